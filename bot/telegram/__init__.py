"""The only place that speaks Telegram: updates in, calls out. It does not know what is said."""

import os

# python-telegram-bot 22 warns, and counts in whole seconds, unless this says that its durations may be `timedelta`s.
os.environ.setdefault("PTB_TIMEDELTA", "1")  # noqa: TID251
