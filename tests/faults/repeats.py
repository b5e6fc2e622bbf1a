"""T2: what was said once is delivered up to five times, by two replicas, each chat's in its order and the chats mixed.

One conversation is recorded: some people fill in a form each, and everything goes well. Then other people say the same,
word for word and tap for tap, while Hypothesis draws in which order the chats come, how often each update is
delivered, and to which of two replicas on one database. What is stored of them, and what they were told, is what was
stored of those whom the conversation is from.
"""

import asyncio
import json
import random
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import select

from storage.database.models import OutboxMessage, Person, table
from storage.database.models import Session as SessionRow
from storage.database.models import Submission as SubmissionRow
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import FIRST, WEBHOOK_SECRET, Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Form, Work, referral
from tests.storage.receipts import by_receipt

Json = dict[str, Any]
TOKEN = re.compile(r"^f:([0-9a-f]+):")
COPIES = 5
DIFFERENT = frozenset({"start", "end", "today", "instanceID"})


@dataclass(slots=True)
class Recorded:
    """What some people said, each in their order; and which session each had."""

    updates: dict[int, list[Json]] = field(default_factory=dict)

    def of(self, number: int, instead: int, session: str) -> list[Json]:
        """The same, said by somebody else in a session of their own; without numbers, and without the opening."""
        found = []
        for update in self.updates[number][1:]:
            text = json.dumps(update).replace(str(number), str(instead))
            said = json.loads(text)
            if "callback_query" in said:
                query = said["callback_query"]
                query["data"] = TOKEN.sub(f"f:{session}:", query["data"])
            found.append(said)
        return found


def repeated(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    together: int = 3,
    examples: int = 20,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Whatever is drawn, the database is as it was after the clean run (T2)."""
    assert kind == "postgresql", "two replicas need it"
    assert webhook
    outcome = Outcome()
    cast = Cast(together * (examples + 1), 1)
    with deployed(folder, kind, cast, webhook=True, replicas=2) as deployment:
        deployment.address = f"http://127.0.0.1:{deployment.bot.port}/telegram"
        deployment.start(plant=plant)
        model = tuple(range(FIRST, FIRST + together))
        recorded = record(deployment, dice, model)
        numbers = count(500_000_001)
        groups = deque(range(1, examples + 1))

        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def storm(data: st.DataObject) -> None:
            # Drawn also when the time is over: Hypothesis asks that each run draws the same.
            order = data.draw(st.permutations([number for number in model for _ in recorded.updates[number][1:]]))
            copies = [data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=COPIES)) for _ in order]
            if until_time is not None and time.monotonic() > until_time:
                groups.clear()
            if not groups:
                return
            group = groups.popleft()
            others = {number: number + group * together for number in model}
            opened = open_forms(deployment, recorded, others, numbers)
            lines = {
                number: [said | {"update_id": next(numbers)} for said in recorded.of(number, other, opened[other])]
                for number, other in others.items()
            }
            asyncio.run(deliver(deployment, lines, order, copies))
            outcome.counts["answers"] += len(order)
            outcome.counts["deliveries"] += sum(map(len, copies))
            outcome.counts["forms"] += together
            rest(deployment)
            outcome.violations += differences(deployment, others)

        while groups:  # Hypothesis draws as many as it wants to, now and then fewer than it may
            seed(dice.randrange(2**32))(storm)()
        for bot in deployment.bots:
            bot.stop()
    return outcome


def record(deployment: Deployment, dice: random.Random, model: tuple[int, ...]) -> Recorded:
    """Some people fill in a form each, and each update comes once, to the first replica."""
    recorded = Recorded({number: [] for number in model})
    world = deployment.world
    keep(deployment, recorded)

    def forms(number: int) -> Iterator[Form]:
        yield referral(random.Random(dice.random()))

    with Work(world, range(model[0], model[-1] + 1), forms) as work:
        until(lambda: work.is_over or work.violations, lambda: deployment.bot.log()[-3000:])
        assert work.violations == []
    rest(deployment)
    return recorded


def keep(deployment: Deployment, recorded: Recorded) -> None:
    """Write down what Telegram makes of what they do."""
    world, make = deployment.world, deployment.world.post

    def post(bot: Any, kind: str, body: Json, *, line: tuple[str, int]) -> int | None:
        said = make(bot, kind, body, line=line)
        author = (body.get("from") or {}).get("id")
        if author in recorded.updates:
            recorded.updates[author].append(json.loads(json.dumps({kind: body})))
        return said

    setattr(world, "post", post)  # noqa: B010 - this world only


def open_forms(
    deployment: Deployment, recorded: Recorded, others: dict[int, int], numbers: Iterator[int]
) -> dict[int, str]:
    """Each of the others opens the form, one after the other; the sessions that were made, as buttons name them."""
    for number, other in others.items():
        opening = json.loads(json.dumps(recorded.updates[number][0]).replace(str(number), str(other)))
        line = [opening | {"update_id": next(numbers)}]
        asyncio.run(deliver(deployment, {number: line}, [number], [[0]]))
    rest(deployment)
    rows = deployment.rows(
        "SELECT p.telegram_id, max(s.id) FROM session s JOIN person p ON p.id = s.person_id GROUP BY p.telegram_id"
    )
    return {number: format(session, "x") for number, session in rows}


async def deliver(
    deployment: Deployment, lines: dict[int, list[Json]], order: list[int], copies: list[list[int]]
) -> None:
    """Every copy of an update at once; the next of its chat when all of them have been answered."""
    left = {number: iter(line) for number, line in lines.items()}
    before: dict[int, asyncio.Task[None]] = {}
    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as tasks:
        for number, to in zip(order, copies, strict=True):
            work = _deliver_one(client, deployment, next(left[number]), to, before.get(number))
            before[number] = tasks.create_task(work)


async def _deliver_one(
    client: aiohttp.ClientSession,
    deployment: Deployment,
    update: Json,
    to: list[int],
    before: "asyncio.Task[None] | None",
) -> None:
    if before is not None:
        await before
    await asyncio.gather(*(_post(client, deployment.bots[which].port, update) for which in to))


async def _post(client: aiohttp.ClientSession, port: int, update: Json) -> None:
    headers = {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET}
    while True:
        async with client.post(f"http://127.0.0.1:{port}/telegram", json=update, headers=headers) as answer:
            if answer.status == 200:
                return
            assert answer.status == 503, answer.status
        await asyncio.sleep(0.1)


def rest(deployment: Deployment) -> None:
    until(
        lambda: not deployment.world.bot.pending and not deployment.is_anything_open(),
        lambda: "\n".join(bot.log()[-2000:] for bot in deployment.bots),
    )


# ------------------------------------------------------------------ equal
def differences(deployment: Deployment, others: dict[int, int]) -> list[str]:
    """In what somebody's rows are not those of the one whose words they repeated."""
    with deployment.database() as database, database.view() as unit:
        found = []
        for number, other in others.items():
            wanted, is_there = (known_of(unit, each, deployment) for each in (number, other))
            found += [
                f"{other} has {is_there[name]!r:.200} as {name}, and {number} has {wanted[name]!r:.200}"
                for name in wanted
                if wanted[name] != is_there[name]
            ]
        return found


def timeless(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is different each time that somebody fills in the same form."""
    return {path: value for path, value in answers.items() if path.rpartition("/")[2] not in DIFFERENT}


def known_of(unit: UnitOfWork, number: int, deployment: Deployment) -> dict[str, Any]:
    """Everything that is stored of somebody's forms, and everything they were told, without numbers of rows."""
    people, sessions, submissions, outbox = map(table, (Person, SessionRow, SubmissionRow, OutboxMessage))
    person_id = unit.connection.execute(select(people.c.id).where(people.c.telegram_id == number)).scalar_one()
    plan_id = unit.plans.only().id
    code = deployment.cast.codes()[number - FIRST]

    def neutral(text: str) -> str:
        text = re.sub(r"no\. \d+", "no. N", text)
        text = re.sub(r"\b\d\d:\d\d\b", "at some minute", text)  # a receipt says when it was sent
        return text.replace(f"Person {number}", "P").replace(str(number), "P").replace(code, "A")

    receipts = unit.connection.execute(
        select(submissions.c.receipt_number).where(submissions.c.person_id == person_id)
    ).scalars()
    stored = [by_receipt(unit, plan_id, receipt) for receipt in receipts]
    shown = [
        str(seen.message["text"])
        for seen in list(deployment.world.ledger.since(0, chat=number))
        if seen.what in ("send", "edit") and seen.message is not None and "reply_markup" in seen.message
    ]
    told = unit.connection.execute(
        select(outbox.c.kind, outbox.c.method, outbox.c.state).where(outbox.c.chat_id == number).order_by(outbox.c.id)
    )
    return {
        "submissions": sorted(
            neutral(json.dumps(timeless(unit.submissions.answers(each)), sort_keys=True, default=str))
            for each in stored
            if each is not None
        ),
        "sessions": sorted(
            unit.connection.execute(select(sessions.c.state).where(sessions.c.person_id == person_id)).scalars()
        ),
        "messages": [tuple(row) for row in told],
        "last message": neutral(shown[-1]),
    }
