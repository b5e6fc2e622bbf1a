"""Names that are typed where no form is open."""

from datetime import timedelta

from bot.telegram.handled import Handled
from tests.bot.desk import Desk
from tests.bot.house import ANA, JEAN


def _methods(handled: Handled) -> list[str]:
    return [row.method for row in handled.deliveries]


def test_at_rest_a_colleague_may_be_named_by_who_has_nothing_restricted(desk: Desk) -> None:
    """As in their reports. Whoever has a restricted activity may speak of it: their words are read strictly."""
    for typed in ("¿Luis puede hacerlo antes del martes?", "Luis manda el acta mañana"):
        assert "deleteMessage" not in _methods(desk.say(JEAN, typed)), typed
        assert "deleteMessage" in _methods(desk.say(ANA, typed)), typed
        desk.now += timedelta(minutes=1)
    for told in ("Yuleisi Peralta", "Yuleisi no quiere comer", "La mamá de Yuleisi llamó"):
        assert "deleteMessage" in _methods(desk.say(JEAN, told)), told
        desk.now += timedelta(minutes=1)
