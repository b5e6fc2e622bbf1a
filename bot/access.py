"""Who may do what: a permission is a set of roles, and what is not declared is denied (S2).

Roles change and phones are handed on, so a button that was drawn for somebody proves nothing: `may` is asked
inside the transaction of every command and every tap, with the role as it is in the database at that moment.
"""

from collections.abc import Set as AbstractSet
from typing import Literal

from conversations.plan import Role

REPORTERS = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})
ENROLLED = frozenset(Role)

ChatType = Literal["private", "group", "supergroup", "channel"]
Reach = Literal["self", "own_agency", "plan"]
"""Over what a permission reaches: oneself and one's own drafts, one's agency's items, the whole plan."""


def may(role: str | None, allowed: AbstractSet[Role], chat_type: ChatType = "private") -> bool:
    """Whether somebody with this role may; nobody may anything outside a private chat (S4)."""
    return chat_type == "private" and role is not None and role in allowed
