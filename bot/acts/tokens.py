"""Make and revoke tokens of the data door: by an admin in the chat, or at the server."""

from bot.chat.actor import Actor
from storage.people.tokens import DataToken, MadeToken


def make(actor: Actor, audience: str, name: str = "") -> MadeToken:
    """A new token, with its secret, which is shown now and never again. ValueError, or Conflict."""
    return actor.unit.tokens.make(actor.plan_id, audience, name, actor.now, actor.person_id)


def revoke(actor: Actor, prefix: str) -> DataToken:
    """Refuse a token from the next request on. NotFound if there is none."""
    return actor.unit.tokens.revoke(actor.plan_id, prefix, actor.now, actor.person_id)
