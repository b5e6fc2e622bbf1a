"""The receiver beside the demonstration: it shows what it was told, once, and refuses what is not signed for it."""

from datetime import UTC, datetime
from importlib import resources
from ipaddress import ip_network
from typing import get_args

import pytest

from bot.acts.sharing.receivers import new_secret
from bot.demo.receiver import Receiver
from bot.sandbox.telegram import World
from bot.settings import Reach
from bot.workers.webhooks import call, calling
from conversations.languages import LANGUAGES
from conversations.plan.sharing.events import EventKind
from storage.messages.endpoints import Target


async def test_what_it_is_told_stands_among_what_the_bot_did() -> None:
    """On the clock of the demonstration, which is years away from ours."""
    world, receiver = World(start=1_538_568_000.0, token="1:x"), Receiver()
    receiver.listen(world)
    body = b'{"type":"report.validated","data":{"activity":"PRE-101"}}'
    try:
        async with calling(Reach((ip_network("127.0.0.1/32"),), [receiver.server_port])) as session:
            answers = [
                await call(
                    session, Target(receiver.url, secret), "evt_1", body, lambda: datetime(2018, 10, 3, tzinfo=UTC)
                )
                for secret in (receiver.secret, receiver.secret, new_secret())
            ]
    finally:
        receiver.shutdown()
        receiver.server_close()
    assert [answer.status for answer in answers] == [204, 204, 401]
    told = [(one.method, one.params) for one in world.calls.since(0)]
    assert told == [("webhook report.validated", {"activity": "PRE-101"})]


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_the_page_has_words_for_each_event(kind: str) -> None:
    """In each of its languages: nobody reads "webhook report.submitted"."""
    page = resources.files("bot.sandbox").joinpath("page")
    words = {language: page.joinpath(f"words.{language}.js").read_text() for language in LANGUAGES}
    assert [language for language, told in words.items() if f'"told.{kind}": "' not in told] == []
