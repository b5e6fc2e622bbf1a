"""The access matrix, derived from PERMISSIONS and tried for real: command × role × chat type × agency (S2–S4).

Nothing here names a command: a row that is added is tried with the others, in every cell. Buttons are harvested from
what the bot really shows to each person, walking its screens, and then pressed by everybody else. Each walk ends with
all it did taken back. `--rewrite-golden` writes docs/access.md anew.
"""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, update

from bot.acts.people.enrolment import Newcomer, enrol
from bot.chat.permissions import PERMISSIONS, Permission, permission_of, read_route
from bot.demo.cast import CAST
from bot.open_storage import open_storage
from bot.screens.everyone.preferences import kept_for
from bot.telegram.handled import Handled
from bot.telegram.updates import CommandTap, read_token
from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.routes import Route, read_parts
from conversations.wording import wording
from storage.database.models import Base, Submission, table
from storage.database.steady import UNKNOWN, written
from storage.reports import submissions
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION
from tests import ROOT
from tests.bot.desk import NOW, Desk
from tests.bot.house import furnish, settings_in
from tests.golden import assert_made
from tests.storage.validation import set_state
from tests.taps import command_token

PAGE = ROOT / "docs" / "access.md"
SAID = {"outbox", "card", "chat", "processed_update", "stranger", "poison_update"}
"""What is said, and where a chat stands: an act that is denied may say so, and may leave no other trace."""
POWERS = (
    *("membership", "invitation", "role_request", "agency", "setting", "schedule", "holiday"),
    *("reopening", "reporting_period", "review_decision"),
    "person: id, suspended_at",
    "plan_import: id, undone_at",
    "form_version: id",
    "submission: id, validation_state: validation_state <> 'submitted'",
    "job: id: kind = 'export'",
    "endpoint: id, paused_at",
)
"""Whatever an act changes of these is somebody's access or data: it leaves an audit entry (S13)."""
NO_TAP = {"plan_import: id, undone_at", "form_version: id", "endpoint: id, paused_at"}
"""What no button of a walk changes: a workbook has to be sent first, an address pasted."""
ALIKE = 3
"""How often a kind of button is pressed."""
EACH = {"c:persona:#": 20}
"""Of some kinds, each leads to another screen: every person's card has its own acts."""
WALK = 1_000
"""Taps of one walk through the bot's screens, at most: more than there are to make."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """One row of the matrix: who taps. `role` is None for whoever may nothing at all."""

    label: str
    telegram_id: int
    role: Role | None
    agency: str = ""

    def may(self, permission: Permission) -> bool:
        """As the table says; worked out here, and not by the code that is tried."""
        return self.role in permission.roles and (permission.reach != "own_agency" or bool(self.agency))


PEOPLE = (
    *(Somebody(f"{member.role}_{member.agency}", member.telegram_id, member.role, member.agency) for member in CAST),
    Somebody("reader", 590, Role.READER),
    Somebody("suspended", 591, None),
    Somebody("unread_privacy", 592, None),
    Somebody("left", 593, None),
    Somebody("stranger", 594, None),
)
BY_LABEL = {who.label: who for who in PEOPLE}
ENROLLED = tuple(who for who in PEOPLE if who.role is not None)


class TakenBack(Exception):
    """Whatever a walk did is undone."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("matrix")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        database.units.submit(None, _people_in_every_state).result()
        database.units.submit(None, _canaries).result()
        made = Desk(database)
        for who in ENROLLED:
            made.say(who.telegram_id, "/menu")
        yield made


def _people_in_every_state(unit: UnitOfWork) -> None:
    enrol(unit, Newcomer(590, "Lectora", Role.READER, "", "es"), NOW, "America/Santo_Domingo")
    gone = enrol(unit, Newcomer(591, "Suspendida", Role.ADMIN, "", "es"), NOW, "America/Santo_Domingo")
    unit.leaving.suspend(gone.id, now=NOW, by=None)
    left = enrol(unit, Newcomer(593, "Sin rol", Role.COORDINATOR, "", "es"), NOW, "America/Santo_Domingo")
    unit.leaving.end_membership(left.id, unit.plans.only().id, now=NOW, by=None)
    enrol(unit, Newcomer(592, "Recién llegada", Role.COORDINATOR, "", "es"), NOW, "America/Santo_Domingo")
    unit.connection.exec_driver_sql("UPDATE person SET privacy_accepted_at = NULL WHERE telegram_id = 592")


def canary(agency: str) -> str:
    return f"Canario de {agency}"


def _canaries(unit: UnitOfWork) -> None:
    """What must not be read by others stands in every restricted report: its agency's canary; two wait for review."""
    plan_id = unit.plans.only().id
    codes = {agency.id: agency.code for agency in unit.plans.agencies(plan_id)}
    sent = [one for id in codes for one in unit.submissions.of_agency(id, limit=99) if one.sensitive]
    assert len(sent) > 3
    for number, one in enumerate(sent):
        text = canary(codes[one.agency_id or 0])
        answers = unit.submissions.answers(one)
        answers |= {path: text for path in answers if path.endswith("next_step")}
        assert text in answers.values()
        sealed = unit.vault.seal(orjson.dumps(answers).decode(), submissions.row(one.instance_id))
        this_one = update(table(Submission)).where(table(Submission).c.id == one.id)
        unit.connection.execute(this_one.values(sealed_answers=sealed))
        if number < 2:
            set_state(unit, one.id, "submitted")


# ------------------------------------------------------------------ trying
class Hand(Desk):
    """A desk whose updates are all handled inside one unit, to be taken back at the end."""

    def __init__(self, desk: Desk, unit: UnitOfWork) -> None:
        vars(self).update(vars(desk))
        self.unit = unit

    def give(self, **update: Any) -> Handled:
        self.update_id += 1
        return self._handle(self.unit, {"update_id": self.update_id, **update})


def in_hand(desk: Desk, work: Callable[[Hand], Any]) -> Any:
    """What `work` returns; whatever it did to the database is taken back."""
    found: list[Any] = []

    def tried(unit: UnitOfWork) -> None:
        found.append(work(Hand(desk, unit)))
        raise TakenBack

    with pytest.raises(TakenBack):
        desk.database.units.submit(None, tried).result()
    return found[0]


def state(connection: Connection) -> dict[str, str]:
    """Everything that is remembered, a digest a table."""
    names = [name for name in Base.metadata.tables if name not in SAID]
    return {name: digest(rows(connection, name)) for name in names}


def rows(connection: Connection, name: str, columns: str = "*", where: str = "1=1") -> Sequence[Any]:
    """As the driver gives them: they are read thousands of times, only to be compared."""
    driver: Any = connection.connection.driver_connection
    found: Sequence[Any] = driver.execute(f'SELECT {columns} FROM "{name}" WHERE {where}').fetchall()
    return found


def powers_of(connection: Connection, which: Iterable[str] = POWERS) -> dict[str, str]:
    return {power: digest(rows(connection, *power.split(": "))) for power in which}


@contextmanager
def watched(connection: Connection) -> Iterator[set[str]]:
    """The tables that are written meanwhile, as the driver tells of each statement; UNKNOWN if in doubt."""
    seen: set[str] = set()

    def note(statement: str) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "--")):
            seen.add(written(statement))

    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(note)
    yield seen
    driver.set_trace_callback(None)


def last_entry(connection: Connection) -> int:
    """The number of the log's last entry. Not by the driver alone: new entries are written before they are read."""
    return int(connection.exec_driver_sql('SELECT coalesce(max(id), 0) FROM "audit_entry"').scalar_one())


def digest(found: Sequence[Any]) -> str:
    return hashlib.sha256(repr(found).encode()).hexdigest()


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


def texts(handled: Handled) -> str:
    return " ".join(str(row.payload.get("text", "")) for row in handled.deliveries)


def buttons(handled: Handled, chat_id: int) -> Iterator[str]:
    for row in handled.deliveries:
        if row.chat_id == chat_id:
            for line in (row.payload.get("reply_markup") or {}).get("inline_keyboard", []):
                yield from (button["callback_data"] for button in line if "callback_data" in button)


DENIALS = {
    wording(language)(key)
    for language in LANGUAGES
    for key in ("denied", "suspended", "stranger", "help.unknown", "start.privacy")
}


def is_denied(handled: Handled) -> bool:
    """Nothing was done and nothing shown: a toast, one of the polite refusals, or silence."""
    if handled.answer is not None and handled.answer.show_alert:
        return not handled.deliveries
    said = texts(handled)
    return said == "" or any(re.split(r"\n|\{", denial)[0] in said for denial in DENIALS)


# ------------------------------------------------------------------ cells
@pytest.mark.parametrize("label", BY_LABEL)
def test_what_is_not_granted_does_nothing_and_shows_nothing(desk: Desk, label: str) -> None:
    """Command × role: typed under each of its names, tapped bare and with arguments; the whole database compared."""
    who = BY_LABEL[label]

    def work(hand: Hand) -> tuple[list[str], list[str]]:
        wrong = []
        before = state(hand.unit.connection)
        for permission in PERMISSIONS:
            if who.may(permission) or (
                label == "unread_privacy" and permission.route in (Route.LANGUAGE, Route.PRIVACY)
            ):
                continue
            tried = [
                ("/" + name, hand.say(who.telegram_id, "/" + name))
                for name in (permission.words or (permission.route,))
            ]
            for argument in ("", "1", "yes", "1.yes"):
                token = command_token(permission.route, argument)
                tried.append((token, hand.tap(who.telegram_id, token)))
            wrong += [way for way, handled in tried if not is_denied(handled)]
        return wrong, changed(before, state(hand.unit.connection))

    # What a suspended person writes is deleted unread.
    assert in_hand(desk, work) == ([], ["restricted_message"] if label == "suspended" else [])


@pytest.mark.parametrize("label", [who.label for who in ENROLLED])
def test_what_is_granted_is_answered(desk: Desk, label: str) -> None:
    """Every command of a role says something, typed and tapped; none is an exception."""
    who = BY_LABEL[label]

    def work(hand: Hand) -> list[str]:
        silent = []
        for permission in PERMISSIONS:
            if who.may(permission):
                handled = hand.tap(who.telegram_id, command_token(permission.route, ""))
                if handled.answer is None:
                    silent.append(permission.route)
                if permission.is_typed and not texts(hand.say(who.telegram_id, f"/{permission.route}")):
                    silent.append(f"/{permission.route}")
        return silent

    assert in_hand(desk, work) == []


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_nothing_is_done_outside_a_private_chat(desk: Desk, kind: str) -> None:
    """S4: command × chat type, for everybody; the bot leaves, and says nothing there."""
    chat = {"id": -100500, "type": kind, "title": "G"}

    def work(hand: Hand) -> tuple[set[str], list[str]]:
        before = state(hand.unit.connection)
        methods = set()
        for who in ENROLLED:
            for permission in PERMISSIONS:
                for handled in (
                    hand.say(who.telegram_id, f"/{permission.route}", chat=chat),
                    hand.tap(who.telegram_id, command_token(permission.route, "1"), chat=chat),
                ):
                    methods |= {row.method for row in handled.deliveries}
        return methods, changed(before, state(hand.unit.connection))

    assert in_hand(desk, work) == ({"leaveChat"}, [])


# ------------------------------------------------------------------ walking
def shape(token: str) -> str:
    """What kind of button it is: its numbers and codes left out."""
    return re.sub(r"\d+", "#", re.sub(r"[A-Z]{2,}(-\w+)?", "@", token))


@dataclass(slots=True)
class Walk:
    """The buttons somebody was shown, and what went wrong on the way."""

    tokens: list[str]
    touched: set[str]
    unaudited: list[str]
    leaks: list[str]
    notices: list[str]
    steps: int


def walk(desk: Desk, who: Somebody, hand: Hand) -> Walk:
    """Press whatever is offered, each kind of button a few times, and answer what is asked."""
    with watched(hand.unit.connection) as seen:
        found, powers = walk_watched(who, hand, seen)
    assert powers == powers_of(hand.unit.connection), "something changed that no statement named"
    return found


def walk_watched(who: Somebody, hand: Hand, writes: set[str]) -> tuple[Walk, dict[str, str]]:
    """The walk, and POWERS as they are at its end: of these only what was written is read again after each tap."""
    connection = hand.unit.connection
    seen: dict[str, None] = {}
    pressed: Counter[str] = Counter()
    waiting = [f"/{permission.route}" for permission in PERMISSIONS if permission.is_typed and who.may(permission)]
    found = Walk([], set(), [], [], [], 0)
    powers, latest = powers_of(connection), last_entry(connection)
    own = [agency.agency for agency in PEOPLE if agency.agency]
    while waiting and found.steps < WALK:
        step = waiting.pop(0)
        if pressed[shape(step)] >= EACH.get(shape(step), ALIKE):
            continue
        pressed[shape(step)] += 1
        tries = [step]
        while tries and found.steps < WALK:
            step = tries.pop(0)
            found.steps += 1
            is_tap = step.startswith(("c:", "f:"))
            handled = hand.tap(who.telegram_id, step) if is_tap else hand.say(who.telegram_id, step)
            for token in buttons(handled, who.telegram_id):
                if token not in seen:
                    seen[token] = None
                    if token.startswith("c:"):
                        waiting.append(token)
            chat = hand.unit.chats.get(who.telegram_id)
            if chat is not None and chat.awaits and pressed[f"says {shape(chat.awaits)}"] < 2:
                pressed[f"says {shape(chat.awaits)}"] += 1
                tries.append("Falta un dato por precisar")
            if who.role is not Role.COORDINATOR:
                said = repr([row.payload for row in handled.deliveries])
                found.leaks += [f"{step}: {agency}" for agency in set(own) - {who.agency} if canary(agency) in said]
            found.notices += [
                f"{step}: {row.method}"
                for row in handled.deliveries
                if row.chat_id != who.telegram_id and any(canary(agency) in repr(row.payload) for agency in own)
            ]
            entry = last_entry(connection)
            now = powers | powers_of(connection, [each for each in POWERS if writes & {each.split(":")[0], UNKNOWN}])
            writes.clear()
            touched = changed(powers, now)
            found.touched |= set(touched)
            if touched and entry == latest:
                found.unaudited.append(f"{step}: {', '.join(touched)}")
            powers, latest = now, entry
    found.tokens = list(seen)
    return found, powers


def met(walks: dict[str, Walk]) -> set[str]:
    """The commands whose buttons were shown to anybody."""
    tokens = (token for each in walks.values() for token in each.tokens)
    return {tap.name for token in tokens if isinstance(tap := read_token(token), CommandTap)}


@pytest.fixture(scope="module")
def walks(desk: Desk) -> dict[str, Walk]:
    """What everybody is shown, each from the same beginning."""
    return {who.label: in_hand(desk, lambda hand, who=who: walk(desk, who, hand)) for who in ENROLLED}


def test_the_walks_see_the_house(walks: dict[str, Walk]) -> None:
    """Else the tests below would prove nothing: most commands that are no typed ones are met as buttons."""
    assert all(len(each.tokens) > 15 for each in walks.values())
    assert len(met(walks)) > len(PERMISSIONS) * 0.6
    assert [label for label, each in walks.items() if each.steps >= WALK] == [], "cut off before its end"
    assert sum(each.steps for each in walks.values()) > 500


def test_between_them_the_walks_change_whatever_there_is_to_change(walks: dict[str, Walk]) -> None:
    """Else the test below would prove nothing: each of POWERS is changed by a tap of somebody's."""
    assert set().union(*(found.touched for found in walks.values())) == set(POWERS) - NO_TAP


def test_whatever_changes_access_or_data_of_others_leaves_an_audit_entry(walks: dict[str, Walk]) -> None:
    """S13, after every tap of every walk: POWERS changed, and the log grew."""
    assert [f"{label}: {each}" for label, found in walks.items() for each in found.unaudited] == []


def test_restricted_text_is_read_by_its_agency_and_the_coordination_alone(walks: dict[str, Walk]) -> None:
    """docs/domain.md#who-sees-what: on every screen of everybody else, admins included, no canary sings."""
    assert [f"{label}: {each}" for label, found in walks.items() for each in found.leaks] == []


def test_what_lights_up_on_somebody_elses_screen_holds_nothing_restricted(walks: dict[str, Walk]) -> None:
    """S24: a lock screen is read by whoever passes: what one person's tap sends to another has no restricted text."""
    assert [f"{label}: {each}" for label, found in walks.items() for each in found.notices] == []


def test_every_button_there_is_belongs_to_a_route(walks: dict[str, Walk]) -> None:
    """S2: what is not in the table does not exist. Where no walk comes by, `tap` takes a Route and nothing else."""
    assert len(met(walks)) > 20
    assert {name for name in met(walks) if read_route(name) is None} == set()


def test_whatever_a_button_carries_is_declared(walks: dict[str, Walk]) -> None:
    """S3: every button that anybody is shown carries what its route says, and is read as that."""
    undeclared = {
        token
        for found in walks.values()
        for token in found.tokens
        if isinstance(tap := read_token(token), CommandTap)
        and (route := read_route(tap.name)) is not None
        and read_parts(route, tap.argument) is None
    }
    assert undeclared == set()


# ------------------------------------------------------------------ forged, foreign, stale, replayed
def owned(connection: Connection, people: Collection[int]) -> dict[str, str]:
    """Whatever is these people's own."""
    those = ", ".join(map(str, sorted(people)))
    found = {"person": digest(rows(connection, "person", where=f"id IN ({those})"))}
    for name, model in Base.metadata.tables.items():
        if name not in SAID and "person_id" in model.c:
            found[name] = digest(rows(connection, name, where=f"person_id IN ({those})"))
    return found


def shown_to(others: Sequence[Somebody], walks: dict[str, Walk]) -> list[str]:
    """Every button that any of them was shown, once."""
    return list(dict.fromkeys(token for other in others for token in walks[other.label].tokens))


def of_each_kind(tokens: Iterable[str]) -> Iterator[str]:
    """Some buttons of each kind: what they carry makes no difference to whoever may not press them, or has pressed."""
    met: Counter[str] = Counter()
    for token in tokens:
        met[shape(token)] += 1
        if met[shape(token)] <= ALIKE:
            yield token


def is_granted(who: Somebody, token: str) -> bool:
    tap = read_token(token)
    route = read_route(tap.name) if isinstance(tap, CommandTap) else None
    return route is not None and who.may(permission_of(route))


@pytest.mark.parametrize("label", [who.label for who in PEOPLE])
def test_buttons_that_were_drawn_for_others_are_no_key(desk: Desk, walks: dict[str, Walk], label: str) -> None:
    """S3: everybody else's harvested buttons, pressed by this one.

    What the role may not is denied and changes nothing; of what it may, a reporter, observer or reader changes nothing
    that is another agency's, and reads nothing restricted. Two people are shown many a button: it is pressed once.
    """
    who = BY_LABEL[label]
    others = [other for other in ENROLLED if other is not who]
    of_others = [other for other in others if other.agency != who.agency]

    def denied(hand: Hand) -> list[str]:
        before = state(hand.unit.connection)
        wrong = []
        for token in of_each_kind(shown_to(others, walks)):
            if not is_granted(who, token):
                handled = hand.tap(who.telegram_id, token)
                if not token.startswith("f:") and not is_denied(handled) and label != "unread_privacy":
                    wrong.append(f"{token}: answered")
        if label == "unread_privacy":
            before.pop("person")  # its language, and whether it accepts, are its own to say
        return wrong + [f"{name} changed" for name in changed(before, state(hand.unit.connection))]

    def granted(hand: Hand) -> list[str]:
        found = [hand.unit.people.by_telegram_id(other.telegram_id) for other in of_others]
        people = [person.id for person in found if person is not None]
        canaries = [canary(other.agency) for other in of_others]
        before = owned(hand.unit.connection, people)
        wrong = []
        for token in shown_to(of_others, walks):
            if is_granted(who, token):
                said = repr([row.payload for row in hand.tap(who.telegram_id, token).deliveries])
                wrong += [f"{token}: {each}" for each in canaries if each in said]
        return wrong + [f"own {name} changed" for name in changed(before, owned(hand.unit.connection, people))]

    assert in_hand(desk, denied) == []
    if who.role not in (Role.ADMIN, Role.COORDINATOR):
        assert in_hand(desk, granted) == []


ACTIONS = ["pick", "same", "skip", "send", "day", "value", "nope"]


def test_three_thousand_forged_taps_have_no_effect(desk: Desk) -> None:
    """S3: forged, stale, foreign and expired, by an officer of another agency, while a session is open elsewhere."""
    ana, jean = BY_LABEL["focal_point_MMUJER"], BY_LABEL["focal_point_DGP"]
    dice = random.Random(20181003)
    beyond = [permission.route for permission in PERMISSIONS if not jean.may(permission)]

    def work(hand: Hand) -> list[str]:
        hand.tap(ana.telegram_id, command_token("reportar", "a.PRE-101.201809"))
        chat = hand.unit.chats.get(ana.telegram_id)
        assert chat is not None
        session = chat.session_id
        assert session is not None
        makers: list[Callable[[], str]] = [
            lambda: f"f:{session:x}:{dice.randrange(50):x}:{dice.choice(ACTIONS)}:{dice.randrange(9)}",
            lambda: f"f:{dice.randrange(10**6):x}:1:pick:0",
            lambda: f"f:{dice.randbytes(5).hex()}",
            lambda: f"c:{dice.choice(beyond)}:{dice.choice(['', '1', '2.yes', 'yes', 'go', 'all'])}",
            lambda: f"c:{dice.choice(beyond)}:{dice.randrange(10**6)}.{dice.choice(ACTIONS)}",
            lambda: f"c:{dice.choice(['tomar', 'continuar', 'descartar', 'corregir', 'recibo'])}:{session}.yes",
            lambda: f"c:{dice.randbytes(3).hex()}:1",
            lambda: dice.randbytes(20).hex(),
        ]
        before = state(hand.unit.connection)
        for _ in range(3_000):
            hand.tap(jean.telegram_id, dice.choice(makers)())
        return changed(before, state(hand.unit.connection))

    assert in_hand(desk, work) == []


def test_a_tap_that_telegram_delivers_again_has_no_effect(desk: Desk, walks: dict[str, Walk]) -> None:
    """G2: each kind of button of an admin's walk, replayed with its number: nothing changes, nothing is said."""
    pedro = next(who for who in PEOPLE if who.role is Role.ADMIN)

    def work(hand: Hand) -> tuple[int, list[str]]:
        first = hand.update_id + 1
        taps = [token for token in of_each_kind(walks[pedro.label].tokens) if token.startswith("c:")]
        for token in taps:
            hand.tap(pedro.telegram_id, token)
        before = state(hand.unit.connection)
        said = 0
        for number, token in enumerate(taps):
            raw = {
                "update_id": first + number,
                "callback_query": {"id": "1", "from": {"id": pedro.telegram_id}, "data": token},
            }
            said += len(desk.dispatch.handle(hand.unit, raw, NOW).deliveries)
        return said, changed(before, state(hand.unit.connection))

    assert in_hand(desk, work) == (0, [])


# ------------------------------------------------------------------ the page
ROLES = tuple(Role)
REACHES = {"self": "oneself", "own_agency": "own agency", "plan": "the plan"}


def table_of_access() -> str:
    head = ["command", *(str(role) for role in ROLES), "over", "how"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for permission in PERMISSIONS:
        names = ", ".join(f"`/{name}`" for name in permission.words) if permission.is_typed else f"`{permission.route}`"
        how = "typed" if permission.is_typed else "button"
        cells = ["yes" if role in permission.roles else "–" for role in ROLES]
        lines.append("| " + " | ".join([names, *cells, REACHES[permission.reach], how]) + " |")
    return "\n".join(lines)


def table_of_lifetimes() -> str:
    say = wording("en")
    lines = ["| what | is kept for |", "|---|---|"]
    lines += [f"| {say(f'kept.{rule.name}')} | {kept_for(rule.kept, say)} |" for rule in RETENTION]
    return "\n".join(lines)


def test_the_page_shows_the_tables(request: pytest.FixtureRequest) -> None:
    """docs/access.md is made from PERMISSIONS and RETENTION, between its markers."""
    assert_made(request, PAGE, {"access": table_of_access(), "kept": table_of_lifetimes()})
