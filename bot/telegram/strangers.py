"""A limit for strangers who flood the bot (S16)."""

from collections import OrderedDict


class Strangers:
    """The chats in which the last applied update was a stranger's, each with the number of updates it has left.

    A stranger may send `burst` updates at once, and as many again in `seconds`. Further updates are acknowledged
    without a unit. A person with a role is never counted here, so none of their updates is dropped. At most `known`
    chats are remembered; a forgotten chat starts again with a full burst.
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
