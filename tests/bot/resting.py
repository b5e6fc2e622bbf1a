"""Whether everything is over: what was said is committed, what was committed is sent, and nobody works on more.

Asked of Telegram's end and of the database, in the order in which things follow from each other: an update is
acknowledged when what it causes is durable, a tap is answered after that, and rows and jobs are open until they are
done. What waits for a later moment on the sandbox's clock is not under way.
"""

import functools
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from bot.sandbox.telegram import World
from storage.database.models import Job, OutboxMessage, table
from storage.messages.jobs import OPEN
from tests.deadlines import wait_until


def under_way(world: World, database_url: str, *, lost_taps: Collection[str] = ()) -> str:
    """What is, in words; nothing if everything is over. A tap that a dead process had in hand is lost: it may be."""
    if telegram := _at_telegram(world, lost_taps):
        return telegram
    return _in_database(database_url, datetime.fromtimestamp(world.now(), UTC))


def at_rest(world: World, database_url: str, *, lost_taps: Collection[str] = ()) -> Callable[[], bool]:
    """The same as a condition to wait for."""
    return lambda: not under_way(world, database_url, lost_taps=lost_taps)


def unanswered_taps(world: World) -> set[str]:
    """Taps that no call has answered yet, or tried to."""
    with world.lock:
        waiting = {id for id, query in world.bot.queries.items() if not query.is_answered}
        tried = {call.params.get("callback_query_id") for call in world.calls} if waiting else set()
    return waiting - tried


@contextmanager
def poll_begun(world: World) -> Iterator[None]:
    """What stands below begins a poll; at its end that poll waits at Telegram."""
    before = world.bot.poll
    yield
    wait_until(lambda: world.bot.poll != before, "a poll waits")


def _at_telegram(world: World, lost_taps: Collection[str]) -> str:
    with world.lock:
        waiting, bot = len(world.bot.pending), world.bot
        is_clock_known = bot.webhook is not None or bot.polled_at is None or bot.moves_known == world.moves
    taps = unanswered_taps(world).difference(lost_taps)
    said = [(waiting, "updates wait at Telegram"), (len(taps), "taps wait for an answer")]
    said += [(not is_clock_known, "move of the clock that the bot has not heard of")]
    return "; ".join(f"{number:d} {what}" for number, what in said if number)


def _in_database(url: str, now: datetime) -> str:
    outbox, job = table(OutboxMessage).c, table(Job).c
    is_due = outbox.not_before.is_(None) | (outbox.not_before <= now)
    rows = select(func.count()).where((outbox.state == "sending") | ((outbox.state == "queued") & is_due))
    is_due = job.not_before.is_(None) | (job.not_before <= now)
    is_open = (job.state != "queued") | is_due
    jobs = select(func.count()).where(job.state.in_(OPEN), is_open)
    try:
        with _engine(url).connect() as connection:
            counted = connection.execute(select(rows.scalar_subquery(), jobs.scalar_subquery())).one()
    except OperationalError as error:
        return str(error.orig)  # the database is away, or locked for a moment
    return "; ".join(
        f"{number} {what}" for number, what in zip(counted, ("rows to send", "jobs to do"), strict=True) if number
    )


@functools.lru_cache(8)
def _engine(url: str) -> Engine:
    """It keeps no connection, but what it has compiled: to look once cost more than what was looked for."""
    return create_engine(url, poolclass=NullPool)
