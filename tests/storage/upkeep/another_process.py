"""A process that enters, begins what test_presence looks at, and leaves in order at a SIGTERM.

python tests/storage/upkeep/another_process.py URL
"""

import signal
import sys
from datetime import UTC, datetime

from storage.messages.outbox import OutboxDraft
from storage.open_database import open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import Presence

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def begin(unit: UnitOfWork) -> None:
    unit.outbox.add(OutboxDraft(1, "prompt", "sendMessage", {"text": "question"}), now=NOW)
    for _ in range(2):
        unit.outbox.add(OutboxDraft(2, "reminder", "sendMessage", {"text": "reminder"}), now=NOW)
    unit.jobs.add("fetch_file", {}, NOW)
    first, _ = unit.outbox.claim(NOW, LATER, 2, ("fan_out",)) * 2
    unit.outbox.begin(first)
    unit.jobs.claim(NOW, LATER)


def main(url: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before there is another thread
    database = open_database(url)
    presence = Presence(database, lambda: NOW)
    print(presence.enter().replica_id, flush=True)
    database.units.submit(None, begin).result()
    print("working", flush=True)
    signal.sigwait({signal.SIGTERM})
    presence.leave()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1])
