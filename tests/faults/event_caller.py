"""A process that does nothing but call receivers, to be killed at any moment; what fails is tried again at once.

    python tests/faults/event_caller.py DATABASE_URL KEYRING

It prints "ready" once it has buried what the one before it left.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bot.settings import Reach  # noqa: E402
from bot.workers import events  # noqa: E402
from bot.workers.events import EventWorker  # noqa: E402
from bot.workers.lookout import Lookout  # noqa: E402
from storage.database.vault import Vault  # noqa: E402
from storage.messages import endpoints  # noqa: E402
from storage.open_database import open_database  # noqa: E402
from storage.upkeep.presence import Presence  # noqa: E402


class Wall:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


async def serve(url: str, keys: Path) -> None:
    endpoints.PAUSES = (timedelta(0),) * 100_000  # type: ignore[misc]
    events.GATHER = 0.01  # type: ignore[misc]
    with open_database(url, vault=Vault.load(keys)) as database:
        await asyncio.to_thread(Presence(database, Wall().now).enter)
        async with asyncio.TaskGroup() as tasks:
            lookout = Lookout(database.units, Wall())
            worker = EventWorker(
                database,
                Wall(),
                tasks,
                lookout,
                Reach((ip_network("127.0.0.1/32"),), range(1, 65536)),
                feed=lambda _: None,
            )
            tasks.create_task(lookout.run())
            print("ready", flush=True)
            await worker.run()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
