"""S12: what a stolen database, a moved ciphertext or a careless keyring gives away."""

import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Date, select, text

from storage.database.models import Base, Comment, OutboxMessage, Session, Submission, table
from storage.database.vault import NONCE, Vault, VaultError
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database, open_database
from storage.reports.comments import old_name
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep.resealing import SEALED, reseal
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
CANARY = "canary-víctimas-7719"


# ------------------------------------------------------------------ the keyring
def test_what_was_sealed_opens_for_its_row_and_differs_each_time(vault: Vault) -> None:
    """Equal answers do not look equal."""
    one, two = vault.seal("ñ 😀", "session:1"), vault.seal("ñ 😀", "session:1")
    assert one != two
    assert vault.open(one, "session:1") == vault.open(two, "session:1") == "ñ 😀"


@pytest.mark.parametrize("row", ["session:2", "submission:1", "session:11", ""])
def test_a_ciphertext_moved_to_another_row_does_not_open(vault: Vault, row: str) -> None:
    """Nobody can give one agency's answers to another by copying a cell."""
    sealed = vault.seal("12", "session:1")
    with pytest.raises(VaultError):
        vault.open(sealed, row)


def test_no_altered_byte_goes_unnoticed(vault: Vault) -> None:
    """Head, key id, nonce, text or tag."""
    sealed = vault.seal("answer", "session:1")
    for place in range(len(sealed)):
        altered = bytes((*sealed[:place], sealed[place] ^ 1, *sealed[place + 1 :]))
        with pytest.raises(VaultError):
            vault.open(altered, "session:1")
    for cut in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.open(sealed[:cut], "session:1")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o666, 0o610])
def test_a_keyring_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    """Its keys must be considered known."""
    path = tmp_path / "keys.json"
    Vault.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    for use in (Vault.load, Vault.rotate):
        with pytest.raises(VaultError, match="chmod 600"):
            use(path)
    path.chmod(0o400)
    Vault.load(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"current": "k1", "keys": {}, "token_key": ""}',
        '{"current": "k1", "keys": {"k1": "c2hvcnQ="}, "token_key": "c2hvcnQ="}',
        '{"current": "k1", "keys": {"k1": "*"}, "token_key": "c2hvcnQ="}',
        '{"current": "k1", "keys": ["k1"], "token_key": "c2hvcnQ="}',
    ],
)
def test_a_damaged_keyring_is_refused_by_name(tmp_path: Path, content: str) -> None:
    """At start, not at the first sensitive answer."""
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(VaultError):
        Vault.load(path)


def test_a_missing_keyring_is_refused_and_an_existing_one_never_overwritten(tmp_path: Path) -> None:
    """Losing the keys is losing the answers."""
    path = tmp_path / "keys.json"
    with pytest.raises(VaultError):
        Vault.load(path)
    Vault.create(path)
    before = path.read_bytes()
    with pytest.raises(VaultError, match="already"):
        Vault.create(path)
    assert path.read_bytes() == before


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    """Rotation needs no pause."""
    path = tmp_path / "keys.json"
    old = Vault.create(path)
    before = old.seal("before", "r")
    new = Vault.rotate(path)
    after = new.seal("after", "r")
    assert (new.open(before, "r"), new.open(after, "r")) == ("before", "after")
    assert (new.key_id(before), new.key_id(after)) == (old.current, new.current)
    assert old.current != new.current
    assert new.token_hash("t") == old.token_hash("t")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(VaultError):
        Vault.retire(path, new.current)
    with pytest.raises(VaultError, match="not in the keyring"):
        Vault.retire(path, old.current).open(before, "r")


def test_two_who_rotate_at_once_make_two_keys(tmp_path: Path) -> None:
    """A key that was in the file, and that somebody may have sealed with, never goes from it by accident."""
    path = tmp_path / "keys.json"
    first = Vault.create(path).current
    spare = Vault.rotate(path).current
    with ThreadPoolExecutor(9) as threads:
        rotated = [threads.submit(Vault.rotate, path) for _ in range(8)]
        threads.submit(Vault.retire, path, first).result()
        seals = [done.result().seal("text", "row") for done in rotated]
    left = Vault.load(path)
    assert left.key_ids == {spare, *(f"k{number}" for number in range(3, 11))}
    assert {left.open(seal, "row") for seal in seals} == {"text"}


def test_a_running_process_learns_the_new_key_when_it_looks_again(tmp_path: Path) -> None:
    """What only half a file says is not believed, and what was sealed before can be read until the process ends."""
    path = tmp_path / "keys.json"
    running = Vault.create(path)
    old = running.current
    before = running.seal("antes", "row:1")
    rotated = Vault.rotate(path)
    assert running.look_again()
    assert running.key_id(running.seal("después", "row:1")) == rotated.current
    assert running.head == rotated.head
    Vault.retire(path, old)
    assert running.look_again()
    assert running.open(before, "row:1") == "antes"
    path.write_text("{")  # half of a file that somebody is copying
    assert not running.look_again()
    assert running.key_id(running.seal("aún", "row:1")) == rotated.current


def test_a_unit_and_a_file_are_sealed_with_the_new_key_at_once(database: Database, tmp_path: Path) -> None:
    """Otherwise the old key could be retired as used by nothing, and what it sealed from then on would be lost."""
    path, running = tmp_path / "keyring.json", database.vault
    assert running is not None
    files = FileStore(tmp_path / "files", running)
    old = running.current
    Vault.rotate(path)
    sealed = database.units.submit(None, lambda unit: unit.vault.seal("después", "row:1")).result()
    assert Vault.retire(path, old).open(sealed, "row:1") == "después"
    current = Vault.rotate(path).current
    files.put(b"acta", sensitive=True)
    assert files.key_ids() == {current}


def test_a_token_is_kept_as_a_keyed_hash(tmp_path: Path) -> None:
    """S1: without the keyring, guesses cannot even be tested."""
    one, two = Vault.create(tmp_path / "1"), Vault.create(tmp_path / "2")
    assert one.token_hash("token") == Vault.load(tmp_path / "1").token_hash("token")
    assert one.token_hash("token") != two.token_hash("token")
    assert one.token_hash("token") != one.token_hash("Token")
    assert len(one.token_hash("token")) == 64


def test_a_keyring_shows_no_key(tmp_path: Path) -> None:
    """In logs and tracebacks (S8)."""
    vault = Vault.create(tmp_path / "keys.json")
    ring = json.loads((tmp_path / "keys.json").read_text())
    shown = repr(vault) + str(vault)
    assert not [secret for secret in (*ring["keys"].values(), ring["token_key"]) if secret in shown]


# ------------------------------------------------------------------ in the database
def write_everything_sensitive(unit: UnitOfWork, world: Any) -> dict[str, Any]:
    session = world.open(unit, "uuid:s", sensitive=True, data={"/data/note": CANARY})
    session = unit.sessions.save(session, NOW)
    submission = world.submit(unit, "uuid:x", sensitive=True, answers={"/data/note": CANARY})
    unit.reviews.decide(submission, "returned", world.person_ids[2], NOW, reason=CANARY)
    outbox = unit.outbox.add(OutboxDraft(1, "prompt", "sendMessage", {"text": CANARY}, sensitive=True), now=NOW).id
    return {"session": session.id, "submission": submission.id, "outbox": outbox}


def test_no_sensitive_answer_can_be_read_in_the_file(
    sqlite_database: Database, world_on_sqlite: Any, tmp_path: Path
) -> None:
    """Drafts, submissions, reasons, outbox; table and log; also what was there before and is gone."""
    units = sqlite_database.units
    units.submit(None, lambda unit: write_everything_sensitive(unit, world_on_sqlite)).result(PATIENCE)
    plain = lambda unit: world_on_sqlite.open(unit, "uuid:plain", data={"/data/note": "not-sensitive-4411"})  # noqa: E731
    units.submit(None, plain).result(PATIENCE)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("enlace.db*"))
    assert b"not-sensitive-4411" in content, "the scan finds nothing at all"
    for form in (CANARY, "canary", "7719", "víctimas", json.dumps(CANARY)):
        assert form.encode() not in content


def test_what_is_purged_is_gone_from_the_file(sqlite_database: Database, world_on_sqlite: Any, tmp_path: Path) -> None:
    """S14: not only from the table."""
    units = sqlite_database.units
    draft = units.submit(None, lambda unit: world_on_sqlite.open(unit, data={"note": "draft-3317"}).id).result(PATIENCE)
    units.submit(None, lambda unit: unit.sessions.close(draft, "cancelled")).result(PATIENCE)
    units.submit(None, lambda unit: unit.sessions.purge(NOW + timedelta(days=1))).result(PATIENCE)
    sqlite_database.close()
    assert b"draft-3317" not in b"".join(path.read_bytes() for path in tmp_path.glob("enlace.db*"))


def test_after_a_rotation_everything_is_sealed_anew_while_people_go_on_answering(
    url: str, world: Any, database: Database, tmp_path: Path
) -> None:
    """S12: then the old key can be thrown away, and every answer still opens."""
    path = tmp_path / "keyring.json"
    database.units.submit(None, lambda unit: write_everything_sensitive(unit, world)).result(PATIENCE)
    drafts = [
        database.units.submit(None, lambda unit, n=n: world.open(unit, f"uuid:{n}", sensitive=True)).result(PATIENCE)
        for n in range(10)
    ]
    old = Vault.load(path).current
    rotated = Vault.rotate(path)
    with open_database(url, vault=rotated) as anew:

        def answer(id: int, n: int) -> Callable[[UnitOfWork], object]:
            return lambda unit: unit.sessions.save(unit.sessions.get(id)._replace(data={"n": n}), NOW)

        answers = [anew.units.submit(draft.id, answer(draft.id, n)) for n in range(5) for draft in drafts]
        resealed = 0
        while done := anew.units.submit(None, lambda unit: reseal(unit, limit=3), tries=9).result(PATIENCE):
            resealed += done
        for future in answers:
            future.result(PATIENCE)
        assert resealed >= 3
    with open_database(url, vault=Vault.retire(path, old)) as without, without.view() as unit:
        assert [unit.sessions.get(draft.id).data for draft in drafts] == [{"n": 4}] * len(drafts)
        submission = unit.submissions.by_instance("uuid:x")
        assert submission is not None
        assert unit.submissions.answers(submission) == {"/data/note": CANARY}
        assert [unit.reviews.reason(each) for each in unit.reviews.of_chain("uuid:x")] == [CANARY]


def test_every_sealed_column_is_resealed() -> None:
    """A column that rotation forgets could never be read again."""
    columns = {(t.name, c.name): c.type for t in Base.metadata.sorted_tables for c in t.columns}
    sealed = {where for where, kind in columns.items() if where[1].startswith("sealed_") and not isinstance(kind, Date)}
    assert {(kind.column.table.name, kind.column.name) for kind in SEALED} == sealed


TABLES = {
    "session": (Session, "sealed_data", lambda unit, id: unit.sessions.get(id)),
    "submission": (
        Submission,
        "sealed_answers",
        lambda unit, id: unit.submissions.answers(unit.submissions.get(id)),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_ciphertexts_swapped_between_rows_do_not_open(apply: Any, world: Any, name: str) -> None:
    """Somebody with access to the database, but not to the keys, cannot move answers about."""
    model, column, look = TABLES[name]
    found = table(model)

    def write_two(unit: UnitOfWork) -> list[int]:
        if name == "session":
            return [world.open(unit, f"uuid:{n}", sensitive=True, data={"n": n}).id for n in range(2)]
        return [world.submit(unit, f"uuid:{n}", sensitive=True, answers={"n": n}).id for n in range(2)]

    one, two = apply(write_two)
    assert apply(lambda unit: look(unit, one)) != apply(lambda unit: look(unit, two))

    def swap(unit: UnitOfWork) -> None:
        sealed = dict(unit.connection.execute(select(found.c.id, found.c[column])).all())
        for here, there in ((one, two), (two, one)):
            unit.connection.execute(found.update().where(found.c.id == here).values({column: sealed[there]}))

    apply(swap)
    for id in (one, two):
        with pytest.raises(VaultError, match="seal is broken") as caught:
            apply(lambda unit, id=id: look(unit, id))
        assert isinstance(caught.value.__cause__, InvalidTag)


def seal_as_before(vault: Vault, text: str, name: str) -> bytes:
    """Seal as format 1 did."""
    head = b"\x01" + vault.head[1:]
    cipher, nonce = vault._ciphers[vault.current], secrets.token_bytes(NONCE)
    return head + nonce + cipher.encrypt(nonce, text.encode(), head + name.encode())


MOVES = [
    "UPDATE comment SET sealed_text = sealed_reply, sealed_reply = sealed_text",
    "UPDATE comment SET sealed_reply = sealed_text",
    "UPDATE comment SET subject = NULL",
    "UPDATE comment SET subject = 'activity:ASI-301'",
]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("is_of_before", [False, True])
def test_the_words_of_a_comment_stand_neither_for_its_answer_nor_about_another_item(
    apply: Any, world: Any, move: str, is_of_before: bool
) -> None:
    """Nor do those of before, once resealed: until then they open where they always did."""
    comment = table(Comment)
    plan_id, writer, reader = world.plan_id, world.person_ids[0], world.person_ids[2]

    def write(unit: UnitOfWork) -> int:
        number = unit.comments.add(plan_id, writer, "activity:PRE-101", "Falta la firma", NOW)
        assert unit.comments.settle(plan_id, number, by=reader, now=NOW, reply="Firmado")
        if is_of_before:
            name = old_name(plan_id, writer, NOW, None)
            kept = {
                "sealed_text": seal_as_before(unit.vault, "Falta la firma", name),
                "sealed_reply": seal_as_before(unit.vault, "Firmado", name),
            }
            unit.connection.execute(comment.update().values(kept))
            assert said(unit, number) == ("Falta la firma", "Firmado")
            assert (reseal(unit), reseal(unit)) == (2, 0)
        return number

    def said(unit: UnitOfWork, number: int) -> tuple[str, str | None]:
        found = unit.comments.get(plan_id, number)
        return found.text, found.reply

    number = apply(write)
    assert apply(lambda unit: said(unit, number)) == ("Falta la firma", "Firmado")
    apply(lambda unit: unit.connection.exec_driver_sql(move))
    with pytest.raises(VaultError, match="seal is broken"):
        apply(lambda unit: said(unit, number))


def test_an_outbox_row_with_another_rows_ciphertext_is_not_sent(apply: Any) -> None:
    """Somebody's figures would reach somebody else's phone. The rest is sent: one such row must not silence the bot."""
    found = table(OutboxMessage)

    def write_two(unit: UnitOfWork) -> None:
        for chat_id in (1, 2):
            draft = OutboxDraft(chat_id, "reminder", "sendMessage", {"text": f"for {chat_id}"}, sensitive=True)
            unit.outbox.add(draft, now=NOW)

    def copy(unit: UnitOfWork) -> None:
        first = unit.connection.execute(select(found.c.sealed_payload).order_by(found.c.id).limit(1)).scalar_one()
        unit.connection.execute(found.update().values(sealed_payload=first))

    apply(write_two)
    apply(copy)
    claimed = apply(lambda unit: unit.outbox.claim(NOW, NOW + timedelta(minutes=1)))
    assert [(row.chat_id, row.payload) for row in claimed] == [(1, {"text": "for 1"})]
    states = apply(lambda unit: unit.connection.execute(select(found.c.chat_id, found.c.state, found.c.error)).all())
    assert sorted(map(tuple, states)) == [(1, "queued", ""), (2, "undeliverable", "the seal is broken")]


def test_a_text_that_does_not_open_does_not_keep_the_others_from_being_resealed(
    url: str, world: Any, database: Database, tmp_path: Path
) -> None:
    """Altered, or of a lost key: the rest is renewed, a page at a time, and its old key is needed by nothing else."""
    path = tmp_path / "keyring.json"
    for number in range(9):
        database.units.submit(
            None, lambda unit, n=number: world.submit(unit, f"uuid:{n}", sensitive=True, answers={"n": n})
        ).result(PATIENCE)
    found = table(Submission)
    first = found.c.id.in_(select(found.c.id).order_by(found.c.id).limit(4))
    alter = found.update().where(first).values(sealed_answers=b"\x02\x02k1" + bytes(60))
    database.units.submit(None, lambda unit: unit.connection.execute(alter)).result(PATIENCE)
    with open_database(url, vault=Vault.rotate(path)) as anew:
        unopened: set[tuple[str, int]] = set()
        through = 0
        while done := anew.units.submit(None, lambda unit: reseal(unit, limit=2, unopened=unopened)).result(PATIENCE):
            through += done
        assert (through, {column for column, _ in unopened}, len(unopened)) == (9, {"submission.sealed_answers"}, 4)
        with anew.view() as unit:
            heads = unit.connection.execute(select(found.c.sealed_answers).order_by(found.c.id)).scalars()
            assert [bytes(each)[2:4] for each in heads] == [b"k1"] * 4 + [b"k2"] * 5


@pytest.mark.parametrize(
    "write",
    [
        lambda unit, world: world.open(unit, sensitive=True),
        lambda unit, world: world.submit(unit, sensitive=True),
        lambda unit, world: unit.outbox.add(OutboxDraft(1, "prompt", "x", {}, sensitive=True), now=NOW),
    ],
)
def test_without_a_keyring_nothing_sensitive_is_kept_in_the_clear(
    sqlite_url: str, sqlite_database: Database, world_on_sqlite: Any, write: Callable[..., Any]
) -> None:
    """It is refused instead."""
    with open_database(sqlite_url) as keyless:
        failure = keyless.units.submit(None, lambda unit: write(unit, world_on_sqlite)).exception(PATIENCE)
        assert isinstance(failure, VaultError)
        with keyless.view() as unit:
            for name in ("session", "submission", "outbox"):
                assert unit.connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() == 0
