"""What admins decide for the plan."""

from bot.chat.actor import Actor
from storage.plan.settings import Setting


def change(actor: Actor, setting: Setting, value: str) -> None:
    """ValueError for what this setting cannot be."""
    actor.unit.settings.set(actor.plan_id, setting, value, now=actor.now, by=actor.person_id)
