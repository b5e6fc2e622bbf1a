"""Tokens of the data door are made and revoked: by an admin in the chat, or at the server."""

from bot.chat.actor import Actor
from storage.people.tokens import DataToken, MadeToken


def make(actor: Actor, audience: str, name: str = "") -> MadeToken:
    """A new token, with its secret: it is shown now and never again. ValueError, or Conflict."""
    return actor.unit.tokens.make(actor.plan_id, audience, name, actor.now, actor.person_id)


def revoke(actor: Actor, prefix: str) -> DataToken:
    """Refuse a token from the next request on. NotFound."""
    return actor.unit.tokens.revoke(actor.plan_id, prefix, actor.now, actor.person_id)
