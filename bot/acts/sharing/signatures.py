"""Signatures of events, as Standard Webhooks writes them."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

SECRET: Final = "whsec_"  # noqa: S105
"""How a secret begins (Standard Webhooks)."""


def new_secret() -> str:
    """32 bytes from the system, as Standard Webhooks writes them."""
    return SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(secret: str, uid: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a call.

    By them a receiver knows that it is us, recognises a repetition, and refuses old calls.
    """
    key = base64.b64decode(secret.removeprefix(SECRET))
    stamp = str(int(at.timestamp()))
    mac = hmac.digest(key, b".".join((uid.encode(), stamp.encode(), body)), "sha256")
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": uid, "webhook-timestamp": stamp, "webhook-signature": signature}
