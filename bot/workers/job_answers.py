"""The answers of long jobs in the chat, and how an author's mistakes are shown there.

A job takes seconds to minutes, and its person may lose their role meanwhile. So the answer is a unit of its own in the
chat's order: it settles the job, and speaks only if the person still has the role.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from bot.chat.exchange import Deployment, Exchange
from bot.log import log_alarm, place_of
from bot.telegram.handled import Alarm, Clock, Handled
from bot.telegram.intake import Intake
from conversations.card import Line, bold, italic, line
from conversations.plan.model import Role
from conversations.wording import Wording
from conversations.xforms.problems import Problem, worst_first
from storage.messages.jobs import JobRow
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

DEADLY: Final = "the process ended again and again while this was worked on"
SHOWN = 6
"""The most problems in the message itself. All of them are in a document."""


class Answers:
    """The place where workers hand in the results of their jobs."""

    def __init__(self, intake: Intake, house: Deployment, clock: Clock, alarm: Alarm = log_alarm) -> None:
        self._alarm = alarm
        self._intake = intake
        self._house = house
        self._clock = clock

    async def give(
        self, job: JobRow, say: Callable[[Exchange], None], roles: Collection[Role], *, is_last: bool = True
    ) -> None:
        """Settle the job in one unit, and answer in it if the person still has one of these roles in the plan.

        With `is_last` false the job goes on, and this is its progress. If the answer itself cannot be made, the log has
        the reason, and the person is told that the job failed.
        """
        now = self._clock.now()

        def work(unit: UnitOfWork) -> Handled:
            is_ours = unit.jobs.settle(job, now) if is_last else unit.jobs.is_held(job)
            if not is_ours:
                return Handled()  # another replica has it, and may have answered already
            ex = self._exchange(unit, job, roles)
            if ex is None:
                return Handled()
            say(ex)
            return Handled(tuple(ex.deliveries), None)

        def give_up(unit: UnitOfWork, error: Exception) -> Handled:
            logger.error("jobs.poison", job=job.id, kind=job.kind, reason=place_of(error))
            return self._failed(unit, job, place_of(error), "job.failed", roles, now)

        await self._intake.submit(job.chat_id, work, give_up)

    async def fail(self, job: JobRow, reason: str) -> None:
        """Fail a job for a reason on our side, and tell its person."""
        await self._give_up(job, reason, "job.failed")

    async def abandon(self, job: JobRow) -> None:
        """Fail a job that the process died of too often. Tell its person and the operator."""
        await self._give_up(job, DEADLY, "job.deadly")

    async def _give_up(self, job: JobRow, reason: str, words: str) -> None:
        now = self._clock.now()

        def work(unit: UnitOfWork) -> Handled:
            if job.is_deadly:
                told = partial(self._alarm, "repeated_deaths", f"job {job.id} ({job.kind}): {DEADLY}")
                unit.after_commit(told)
            return self._failed(unit, job, reason, words, tuple(Role), now)

        def give_up(unit: UnitOfWork, error: Exception) -> Handled:
            unit.jobs.fail(job, place_of(error), now)
            return Handled()

        await self._intake.submit(job.chat_id, work, give_up)

    def _failed(
        self, unit: UnitOfWork, job: JobRow, reason: str, words: str, roles: Collection[Role], now: datetime
    ) -> Handled:
        if not unit.jobs.fail(job, reason, now):
            return Handled()
        ex = self._exchange(unit, job, roles)
        if ex is None:
            return Handled()
        ex.answer_line(ex.say(words))
        return Handled(tuple(ex.deliveries))

    def _exchange(self, unit: UnitOfWork, job: JobRow, roles: Collection[Role]) -> Exchange | None:
        visit = unit.chats.open(job.chat_id or 0, job.payload["telegram_id"])
        if visit.person is None or visit.person.is_suspended:
            return None
        if "plan_id" in job.payload and not visit.stand_in(job.payload["plan_id"]):
            return None  # they have left the plan in which they asked for it
        ex = Exchange(unit, visit, self._clock.now(), self._house, job.payload["telegram_id"])
        return ex if ex.has_role and ex.membership.role in roles else None


def told(problems: Sequence[Problem], language: str, say: Wording) -> list[Line]:
    """Say how many problems of each severity there are, and name the first of them."""
    if not problems:
        return [line(say("publish.clean"))]
    counts = Counter(problem.severity for problem in problems)
    values = {severity: counts.get(severity, 0) for severity in ("error", "warning", "note")}
    lines = [line(bold(say("publish.counts", **values)))]
    lines += [line(sentence(problem, language)[:400]) for problem in worst_first(problems)[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(line(italic(say("publish.more", n=len(problems) - SHOWN))))
    return lines


_MARKS = {"error": "⛔", "warning": "⚠️", "note": "ℹ️"}


def sentence(problem: Problem, language: str) -> str:
    place = f"{where}: " if (where := problem.place(language)) else ""
    mark = _MARKS[problem.severity]
    return f"{mark} {place}{problem.sentence(language)} {problem.remedy(language)}".strip()


def listed(problems: Sequence[Problem], language: str) -> bytes:
    """List all problems, as a text file."""
    return "\n\n".join(sentence(problem, language) for problem in worst_first(problems)).encode("utf-8")
