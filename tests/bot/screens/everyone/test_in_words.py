"""What is answered in words where a text leads to no screen."""

from datetime import timedelta

from tests.bot.desk import Desk, said
from tests.bot.house import ANA


def test_whom_to_call_for_a_victim_stays_in_the_chat(desk: Desk) -> None:
    """Also if the next message comes at once: its answer is sent below."""
    assert "9-1-1" in said(desk.say(ANA, "tengo una víctima en mi oficina"), ANA)[-1]
    desk.now += timedelta(seconds=2)
    assert [row.method for row in desk.say(ANA, "menú").deliveries] == ["sendMessage"]
