"""A limit for strangers who flood the bot (S16)."""

from collections import OrderedDict


class Strangers:
    """The chats whose last applied update was a stranger's, and how many more of each are applied.

    `burst` updates at once, then as many in `seconds`; what a stranger sends beyond that is acknowledged without a
    unit. Somebody who has a role is never in here, so nothing of theirs is dropped. At most `known` chats are
    remembered: one that is forgotten is looked at once more.
    """

    def __init__(self, burst: int = 30, seconds: float = 10.0, *, known: int = 10_000) -> None:
        self._burst = float(burst)
        self._pace = burst / seconds
        self._known = known
        self._full_at: OrderedDict[int, float] = OrderedDict()
        """The moment at which a chat might send a whole burst again."""

    def __contains__(self, chat_id: int) -> bool:
        return chat_id in self._full_at

    def meet(self, chat_id: int, at: float, *, is_stranger: bool) -> None:
        """Note whether the update just applied in this chat was a stranger's."""
        if not is_stranger:
            self._full_at.pop(chat_id, None)
            return
        if chat_id not in self._full_at:
            self._full_at[chat_id] = at + 1.0 / self._pace
        self._full_at.move_to_end(chat_id)
        if len(self._full_at) > self._known:
            self._full_at.popitem(last=False)

    def admits(self, chat_id: int, at: float) -> bool:
        """Whether this chat's next update is applied. If it is, it counts."""
        full_at = self._full_at.get(chat_id)
        if full_at is None:
            return True
        full_at = max(full_at, at) + 1.0 / self._pace
        if (full_at - at) * self._pace > self._burst + 1e-6:
            return False
        self._full_at[chat_id] = full_at
        return True
