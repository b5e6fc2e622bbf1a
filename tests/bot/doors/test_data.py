"""The data door: exactly what `enlace export` writes, to who holds a token for it, and nothing to anybody else."""

import contextlib
import csv
import http.client
import io
import itertools
import json
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import update
from starlette.requests import Request

from bot.doors import data, reading, spool
from bot.doors.limits import NETWORKS, STRANGERS
from bot.doors.parameters import TABULAR, filters_of
from bot.doors.problems import Problem
from bot.doors.spool import OF_ONE, Spool, Wrote
from bot.web.header_limits import ShortHeads
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS
from storage.database.models import Activity, table
from storage.errors import Unavailable
from storage.exports.exporters import exporter
from storage.exports.wanted import Wanted
from storage.people.tokens import SHAPE
from storage.reports.files import FileStore
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.doors.served import NOW, ZONE, Served, basic
from tests.bot.house import ANA
from tests.deadlines import PATIENCE, wait_until

FOLDER = Path("nowhere")
"""No table needs a file."""
VALUES = {
    "form_id": ("activity_report", "indicator_update"),
    "period": ("2018", "201808", "201809", "2018Q3", "201807..201809"),
    "agency": ("MINERD", "PGR", "MMUJER,PGR", "MINERD,PGR,MMUJER"),
    "area": ("PRE", "ASI", "PRE,PER"),
    "status": ("in_progress", "delayed", "in_progress,completed"),
    "validation": ("validated",),
    "since": ("2018-08-01", "2018-09-20T10:00-04:00"),
}


def exported(door: Served, dataset: str, format: str, audience: str, **filters: str) -> bytes:
    """What `enlace export` writes."""
    used = exporter(dataset, format, audience)
    assert used is not None
    out = io.BytesIO()
    with door.database.view() as unit:
        wanted = Wanted(door.plan_id, ZONE, NOW, audience=audience, **filters)
        used.write(unit, FileStore(FOLDER, door.database.vault), wanted, out, lambda *_: None)
    return out.getvalue()


def queried(**filters: str) -> dict[str, str]:
    return {name.removesuffix("_id"): value for name, value in filters.items()}


# ------------------------------------------------------------------ the same as export
def drawn(chance: random.Random) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each table for each of its audiences, and with each of its filters, beside others that are drawn."""
    for dataset in TABULAR:
        if dataset == "audit":
            continue  # the door itself writes into it
        audiences, names = [each for each in AUDIENCES if exporter(dataset, "csv", each)], filters_of(dataset)
        for at in range(max(len(audiences), len(names))):
            named = {name for number, name in enumerate(names) if number == at or chance.random() < 0.3}
            if dataset == "answers":
                named.add("form_id")
            filters = {name: chance.choice(VALUES[name]) for name in names if name in named}
            yield dataset, audiences[at % len(audiences)], filters


@pytest.mark.parametrize(("door", "seed"), [("sqlite", 18), ("postgresql", 19)], indirect=["door"])
def test_the_same_rows_and_the_same_suppression_as_export(door: Served, seed: int) -> None:
    """For everybody and each filter: the bytes of CSV and JSON Lines, and the rows of JSON."""
    for dataset, audience, filters in drawn(random.Random(seed)):
        lines = exported(door, dataset, "jsonl", audience, **filters)
        asked = queried(**filters)
        assert door.ask(dataset, audience, format="jsonl", **asked).body == lines, (dataset, audience, filters)
        rows = [json.loads(line) for line in lines.splitlines()]
        assert door.ask(dataset, audience, **asked).rows == rows
        if dataset != "answers":
            written = exported(door, dataset, "csv", audience, **filters)
            assert door.ask(dataset, audience, format="csv", **asked).body == written


def test_pages_together_are_the_whole(door: Served) -> None:
    for dataset in ("reports", "answers"):
        whole = door.ask(dataset, "public").rows
        rows, answer = [], door.ask(dataset, "public", limit="3")
        while True:
            assert len(answer.rows) <= 3
            rows += answer.rows
            if not answer.json["has_more"]:
                break
            answer = door.ask(answer.json["next"], "public")
        assert rows == whole
        assert door.ask(answer.json["next"], "public").rows == []


def test_answers_to_a_form_come_as_csv_one_table_at_a_time(door: Served) -> None:
    answer = door.ask("answers", format="csv", form="activity_report")
    told = list(csv.DictReader(io.StringIO(answer.body.decode())))

    assert len(told) == len(door.ask("answers", form="activity_report").rows)
    assert door.ask("answers", format="csv").json["type"].endswith(":form")
    assert "there_is" in door.ask("answers", format="csv", form="activity_report", table="x").json


# ------------------------------------------------------------------ who may read what
CANARY = "Canario-que-canta"


@pytest.fixture(scope="module")
def sung(door: Served) -> Served:
    """A restricted report with a text of its own, validated, and one that nobody has validated."""

    def work(unit: UnitOfWork) -> None:
        person = unit.people.by_telegram_id(ANA)
        assert person is not None
        form = next(each for each in unit.forms.list(door.plan_id) if each.form_id == "activity_report")
        root = unit.forms.form(form.id).root.path
        for number, (sensitive, state) in enumerate(((True, "validated"), (False, "submitted"))):
            answers = {f"{root}/next_step": CANARY, f"{root}/decision_text": CANARY, f"{root}/ben_total": "3"}
            unit.submissions.add(NewSubmission(
                plan_id=door.plan_id, form_id=form.form_key, form_version_id=form.id,
                instance_id=f"uuid:canary-{number}",
                person_id=person.id, agency_id=None, answers=answers, language="es", started_at=NOW,
                sensitive=sensitive, subject="activity:ASI-201", validation_state=state,
                reporting_period_id=unit.plans.period(door.plan_id, f"20180{6 + number}").id,
            ), NOW)  # fmt: skip

    door.do(work)
    return door


def test_nobody_reads_what_their_audience_may_not(sung: Served) -> None:
    """Every dataset, audience, format and column: no restricted text, no name of anybody outside, nothing unasked."""
    names = ("Ana", "Luis", "Carmen", "Pedro", "Grace", "Rosa")
    for audience in AUDIENCES:
        for dataset in TABULAR:
            for format in ("json", "jsonl", "csv"):
                more = {"form": "activity_report"} if dataset == "answers" else {}
                answer = sung.ask(dataset, audience, format=format, **more)
                if exporter(dataset, "csv", audience) is None:
                    assert answer.status == 403
                    continue
                assert answer.status == 200
                text = answer.body.decode()
                assert CANARY not in text, (audience, dataset, format)
                if audience == "public":
                    assert not [name for name in names if f'"{name} ' in text or f",{name} " in text]


def test_a_cursor_opens_nothing_for_another(sung: Served) -> None:
    for whose in AUDIENCES:
        told = sung.ask("reports", whose, limit="2").json["next"]
        for audience in AUDIENCES:
            if audience == whose:
                continue
            answer = sung.ask(told, audience)
            assert (answer.status, answer.json["type"]) == (400, "urn:enlace:problem:cursor")
        forged = told.replace("?cursor=W", "?cursor=X")
        assert sung.ask(forged, whose).status == 400
        assert sung.ask(told.replace("/reports?", "/answers?"), whose).status == 400
        assert sung.ask(told + "&agency=PGR", whose).status == 400


INJECTED = (
    "' OR 1=1 --", "1; DROP TABLE submission", '" OR ""="', "%' OR '1'='1", "MINERD') OR ('1'='1", "\\", "%00", "$ne",
    "{}", "<script>", "../../etc/passwd", "2018' UNION SELECT token_hash FROM data_token --", "٣", "a" * 399,
)  # fmt: skip


def test_no_filter_reaches_the_database_as_words(door: Served) -> None:
    before = door.ask("reports").rows
    for name in filters_of("answers"):
        for value in INJECTED:
            answer = door.ask("answers", **{name.removesuffix("_id"): value})
            assert answer.status in (400, 403), (name, value)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json["detail"]
    assert door.ask("reports").rows == before


# ------------------------------------------------------------------ tokens
def test_a_revoked_token_is_refused_from_the_next_request_on(door: Served) -> None:
    token = door.token("public", anew=True)
    assert door.ask("plan", token=token).status == 200

    shape = SHAPE.fullmatch(token)
    assert shape is not None

    door.do(lambda unit: unit.tokens.revoke(door.plan_id, shape[1], NOW, None))
    answer = door.ask("plan", token=token)
    assert answer.status == 401
    assert "Basic" in answer.headers["www-authenticate"]


@pytest.mark.parametrize("what", ["the token", "the plan"])
def test_who_reads_slowly_gets_no_more_than_they_may_have_by_then(
    door: Served, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A token is revoked, or an activity restricted, after the first half of an answer: the other half stays here."""
    monkeypatch.setattr(spool, "ASK_EVERY", 0.0)
    monkeypatch.setattr(spool, "BLOCK", 512)
    token, asked = door.token("observers", anew=True), itertools.count()
    whole = door.ask("reports", token=token)
    assert len(whole.body) > 4 * 512

    def withdraw(unit: Any) -> None:
        if what == "the token":
            unit.tokens.revoke(door.plan_id, token.split("_")[1], NOW, None)
        else:
            unit.connection.execute(update(table(Activity)).values(sensitivity="restricted"))

    may_go_on = data._Writing.may_go_on

    def asked_twice(writing: Any, secret: str) -> bool:
        if next(asked) == 1:
            door.do(withdraw)
        return may_go_on(writing, secret)

    monkeypatch.setattr(data._Writing, "may_go_on", asked_twice)
    with pytest.raises(http.client.IncompleteRead) as broken_off:
        door.ask("reports", token=token)
    assert broken_off.value.partial == whole.body[:512]


def test_a_token_is_kept_as_a_hash_alone(door_on_sqlite: Served, tmp_path: Path) -> None:
    token = door_on_sqlite.token("public")
    assert door_on_sqlite.ask("plan", token=token).status == 200

    _, prefix, secret = (part.encode() for part in token.split("_", 2))
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("enlace.db*"))
    assert prefix in kept
    assert secret not in kept


def test_excel_sends_the_token_as_a_password(door: Served) -> None:
    token = door.token("observers")
    answer = door.ask("reports", token="", headers=basic(token), format="csv")
    assert answer.body == door.ask("reports", "observers", format="csv").body
    for wrong in (basic(token[:-1] + "x"), {"Authorization": "Basic ?"}, {"Authorization": f"Digest {token}"}, {}):
        assert door.ask("reports", token="", headers=wrong).status == 401


def test_a_token_in_the_address_is_refused_and_repeated_nowhere(
    door: Served, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = door.token("public")
    for path in (f"reports?token={token}", f"reports?access_token={token}", f"{token}", f"reports?agency={token}"):
        for sent in ("", token):
            answer = door.ask(path, token=sent)
            assert (answer.status, answer.json["type"]) == (400, "urn:enlace:problem:token-in-address")
            assert token.encode() not in answer.body
    said = capfd.readouterr()
    assert token not in said.out + said.err + caplog.text


def test_reads_are_counted_by_the_day_and_the_first_is_in_the_audit_log(door_on_sqlite: Served) -> None:
    door = door_on_sqlite
    token = door.token("public")
    for dataset in ("plan", "plan", "reports"):
        door.ask(dataset, token=token)
    door.ask("nothing", token=token)
    with door.database.view() as unit:
        [kept] = unit.tokens.all(door.plan_id)
        acts = [(each.act, each.details.get("dataset")) for each in unit.audit.latest(door.plan_id, limit=3)]
        assert unit.tokens.reads(door.plan_id) == {kept.prefix: 3}
        assert kept.last_used_at is not None

    assert acts == [("token.read", "reports"), ("token.read", "plan"), ("token.made", None)]


# ------------------------------------------------------------------ limits
def test_who_asks_too_often_waits_and_nobody_else(door_on_sqlite: Served) -> None:
    door = door_on_sqlite
    greedy, other = door.token("public"), door.token("public", anew=True)

    def ask(token: str) -> tuple[int, str]:
        door.clock.moved -= 1  # the clock stands
        answer = door.ask("", token=token)
        return answer.status, answer.headers.get("retry-after", "")

    found = [ask(greedy) for _ in range(62)]
    assert [status for status, _ in found[:60]] == [200] * 60
    assert found[60:] == [(429, "1"), (429, "1")]
    assert ask(other)[0] == 200

    door.clock.moved += 1
    assert ask(greedy)[0] == 200


def test_an_address_that_guesses_is_held_up_and_a_reader_beside_it_is_not(door_on_sqlite: Served) -> None:
    door = door_on_sqlite
    token = door.token("public")
    assert door.ask("", token=token).status == 200

    for number in range(40):
        door.clock.moved -= 1
        answer = door.ask("", token="enlace_abcdefgh_" + "x" * 43)
        assert answer.status == (401 if number < 20 else 429)
    assert answer.headers["retry-after"]
    assert door.ask("", token=token).status == 200

    elsewhere = {"X-Forwarded-For": "10.0.0.1, 192.0.2.7"}
    assert door.ask("", token="x", headers=elsewhere).status == 401


def test_who_has_a_network_of_ipv6_has_one_address(door_on_sqlite: Served) -> None:
    """Its 2⁶⁴ addresses guess as one; what is no address in X-Forwarded-For is no new guesser either."""
    door = door_on_sqlite

    def guess(forwarded: str) -> int:
        return door.ask("", token="guess", headers={"X-Forwarded-For": forwarded}).status

    for beginning in ("2001:db8:1:2::", "word-"):
        assert 429 in [guess(f"{beginning}{number}") for number in range(STRANGERS.burst + 5)]
    assert guess("2001:db8:1:3::1") == 401
    assert guess("::ffff:192.0.2.7") == 401


def test_many_networks_of_one_customer_guess_together(door_on_sqlite: Served) -> None:
    """Each is new, and so many more than a burst are not; another customer, and who has a token, are not held up."""
    door = door_on_sqlite
    token = door.token("public")
    assert door.ask("", token=token).status == 200

    def guess(forwarded: str, token: str = "guess") -> int:
        return door.ask("", token=token, headers={"X-Forwarded-For": forwarded}).status

    assert guess("2001:db8:1:1::1") == 401
    assert any(guess(f"2001:db8:1:{number:x}::1") == 429 for number in range(2 * NETWORKS.burst))
    assert guess("2001:db8:2:1::1") == 401
    assert guess("2001:db8:1:1::1", token) == 200


def test_only_so_many_answers_are_made_at_once(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doors.spool.WAITING", 0)
    answer = door.ask("plan")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@contextlib.contextmanager
def _behind(port: int) -> Iterator[socket.socket]:
    """A client without a token that asks for more answers than fit anywhere, and reads nothing."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /data/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
        yield client


def test_who_does_not_read_leaves_room_for_the_others(door_on_sqlite: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers, and connections: once they are behind, they go for whoever comes (S9, S16)."""
    door = door_on_sqlite
    monkeypatch.setattr(ShortHeads, "most", 18)
    with contextlib.ExitStack() as stack:
        for _ in range(18):
            stack.enter_context(_behind(door.port))

        def is_served() -> bool:
            with contextlib.suppress(ConnectionError):
                return door.ask("plan", "public").status == 200
            return False

        wait_until(is_served, "there is room")


def test_who_does_not_read_is_cut_off(door_on_sqlite: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if there is room."""
    lost = threading.Event()
    monkeypatch.setattr(ShortHeads, "reads_within", 0.2)
    monkeypatch.setattr(ShortHeads, "connection_lost", lambda self, error: lost.set())
    with _behind(door_on_sqlite.port):
        assert lost.wait(PATIENCE)


async def test_one_reader_has_only_so_many_answers_open() -> None:
    """Then there is room for another one, and for the first again once one is read."""
    made = Spool()
    request = Request({"type": "http", "method": "GET", "headers": []})

    async def allowed() -> bool:
        return True

    def write(out: BinaryIO) -> Wrote:
        out.write(b"x")
        return Wrote("text/plain")

    async def drop(_: object) -> None:
        return None

    held = [await made.answer(request, "one", write, allowed) for _ in range(OF_ONE)]
    with pytest.raises(Problem, match="Too many"):
        await made.answer(request, "one", write, allowed)
    await (await made.answer(request, "other", write, allowed))(request.scope, request.receive, drop)
    await held[0](request.scope, request.receive, drop)
    for answer in (await made.answer(request, "one", write, allowed), *held[1:]):
        await answer(request.scope, request.receive, drop)
    assert made._open == {}
    made.close()


def test_answers_that_were_read_make_room(door: Served) -> None:
    """Also those that nobody read to the end."""
    for method in ("GET", "HEAD") * 20:
        assert door.ask("plan", method=method).status == 200


# ------------------------------------------------------------------ HTTP
def test_what_has_not_changed_is_not_sent_again(door: Served) -> None:
    first = door.ask("plan", format="csv")
    etag = first.headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        again = door.ask("plan", format="csv", headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)

    assert door.ask("plan", format="csv", headers={"If-None-Match": '"x"'}).status == 200
    assert door.ask("plan", "public", format="csv", headers={"If-None-Match": etag}).status in (200, 304)


def test_what_has_not_changed_has_the_same_etag_where_it_is_followed(door: Served) -> None:
    """Its `next` is another each time, and leads from either to the same."""
    first = door.ask("reports")
    again = door.ask("reports", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])
    assert first.headers["etag"].startswith("W/")


def test_head_says_what_get_would(door: Served) -> None:
    for format in ("json", "csv"):
        get, head = door.ask("reports", format=format), door.ask("reports", format=format, method="HEAD")
        assert head.body == b""
        assert head.headers.keys() == get.headers.keys()
        assert head.headers["etag"] == get.headers["etag"]


def test_the_format_is_what_is_accepted(door: Served) -> None:
    for accepted, media in (
        ("text/csv", "text/csv; charset=utf-8"), ("application/json", "application/json"), ("*/*", "application/json"),
        ("text/html, text/csv;q=0.5", "text/csv; charset=utf-8"), ("text/*", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/x-ndjson", "application/x-ndjson"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
    ):  # fmt: skip
        assert door.ask("plan", headers={"Accept": accepted}).headers["content-type"] == media
    for refused in ("text/html", "text/csv;q=0", "application/pdf"):
        assert door.ask("plan", headers={"Accept": refused}).status == 406


def test_only_reading(door: Served) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = door.ask("plan", method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def wrong() -> Iterator[tuple[str, dict[str, str], int, str]]:
    yield "nothing", {}, 404, "unknown-dataset"
    yield "plan/rows", {}, 404, "not-found"
    yield "media", {}, 404, "unknown-dataset"
    yield "plan", {"perod": "2018"}, 400, "unknown-parameter"
    yield "plan", {"period": "2018"}, 400, "unknown-parameter"
    yield "plan", {"format": "xlsx"}, 400, "unknown-format"
    yield "plan", {"language": "xx"}, 400, "unknown-language"
    yield "plan", {"bom": "yes"}, 400, "bom"
    yield "plan", {"limit": "3"}, 400, "unknown-parameter"
    yield "plan", {"agency": "NADIE"}, 400, "filter"
    for blank in ("", " ", ",", " , "):
        yield "plan", {"agency": blank}, 400, "empty"
        yield "reports", {"period": blank}, 400, "empty"
    yield "plan", {"language": ""}, 400, "empty"
    yield "plan", {"format": ""}, 400, "empty"
    yield "reports", {"cursor": ""}, 400, "empty"
    yield "reports", {"limit": "0"}, 400, "limit"
    yield "reports", {"limit": "10001"}, 400, "limit"
    yield "reports", {"limit": "3", "format": "csv"}, 400, "format"
    yield "reports", {"cursor": "x"}, 400, "cursor"
    yield "reports", {"since": "yesterday"}, 400, "filter"
    yield "reports", {"validation": "submitted"}, 403, "filter"
    yield "reports", {"agency": "x" * 401}, 400, "too-long"
    yield "reports?agency=PGR&agency=MINERD", {}, 400, "twice"


@pytest.mark.parametrize(("path", "query", "status", "code"), list(wrong()))
def test_what_cannot_be_had_is_a_problem_with_its_remedy(
    door: Served, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = door.ask(path, **query)
    told = answer.json

    assert (answer.status, told["status"], told["type"]) == (status, status, f"urn:enlace:problem:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["title"]
    assert len(told["detail"]) > 10


def test_a_defect_is_a_problem_without_a_trace(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(reading, "extract_of", broken)
    answer = door.ask("plan")

    assert answer.status == 500
    assert CANARY not in answer.body.decode()
    assert "Traceback" not in answer.body.decode()


def test_a_database_that_is_away_is_asked_later(door: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(reading, "extract_of", away)
    answer = door.ask("plan")
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")


# ------------------------------------------------------------------ what there is
def test_the_door_lists_what_a_token_reads(door: Served) -> None:
    for audience in AUDIENCES:
        told = door.ask("", audience).json
        names = [each["name"] for each in told["datasets"]]
        assert names == [name for name in TABULAR if exporter(name, "csv", audience)]
        for each in told["datasets"]:
            answer = door.ask(each["url"], audience)
            assert answer.status == 200
            columns = door.ask(each["columns"], audience).json["resources"][0]["schema"]["fields"]
            rows = answer.rows
            if rows and each["name"] != "answers":
                assert [field["name"] for field in columns] == list(rows[0])
            assert set(each["filters"]) <= {name.removesuffix("_id") for name in FILTERS}
