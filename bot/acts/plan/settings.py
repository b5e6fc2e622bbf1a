"""Settings that admins change for the plan."""

from bot.chat.actor import Actor
from storage.plan.settings import Setting


def change(actor: Actor, setting: Setting, value: str) -> None:
    """Change a setting. ValueError if it cannot have this value."""
    actor.unit.settings.set(actor.plan_id, setting, value, now=actor.now, by=actor.person_id)
