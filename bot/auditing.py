"""The audit log, read: at the server by whoever looks after it, in the chat by whom it concerns (DOMAIN §2.7)."""

from pathlib import Path

from bot.complaint import Complaint
from bot.opening import open_storage
from bot.settings import Settings
from storage.chain import Head, Verdict, stored_head, verify
from storage.database import open_database
from storage.errors import StorageError


def verified(settings: Settings, noted: str) -> Verdict:
    """What a look through the whole log finds; `noted` is a head somebody wrote down, or blank."""
    try:
        head = Head.read(noted) if noted else None
    except StorageError as error:
        raise Complaint(f"--head: {error}. `enlace audit verify`, /estado and every backup print one.") from None
    with open_storage(settings) as database, database.view() as unit:
        return verify(unit, noted=head)


def head_in(file: Path) -> Head | None:
    """Where the audit log ends in a backup, for somebody to write down; None if nothing was sealed yet."""
    with open_database(f"sqlite:///{file.absolute()}") as copy, copy.view() as unit:
        return stored_head(unit, is_trusted=True)
