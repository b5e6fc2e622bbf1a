"""The bot itself, and how it gets its updates."""

import re
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.methods.call import Call, Described, Json
from bot.sandbox.refusals import WEBHOOK_WAS_SET, bad_request
from bot.sandbox.telegram import Webhook
from bot.sandbox.updates import get_updates


def get_me(call: Call) -> Json:
    return {
        **call.bot.user(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def poll(call: Call) -> Any:
    return get_updates(call.world, call.bot, call.params, forgets=call.forgets)


def set_webhook(call: Call) -> bool | Described:
    """Set the webhook. Telegram accepts only https; here a plain http webhook on this machine is accepted too."""
    params, bot = call.params, call.bot
    url = params["url"]
    if not url:
        return delete_webhook(call)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if parts.scheme == "https" and (parts.port or 443) not in (443, 80, 88, 8443):
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    secret = params.get("secret_token", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in params:
        bot.allowed_updates = frozenset(params["allowed_updates"]) or None
    if params.get("drop_pending_updates"):
        bot.pending.clear()
    connections = min(max(params.get("max_connections", 40), 1), 100)
    hook = bot.webhook
    if hook is not None and (hook.url, hook.secret_token, hook.max_connections) == (url, secret, connections):
        return Described("Webhook is already set")
    bot.webhook = Webhook(url, secret, connections)
    for pending in bot.pending:  # failures of the old address do not count for the new one
        pending.fails, pending.delay, pending.due_at = 0, 1.0, 0.0
    call.world.end_poll(bot, WEBHOOK_WAS_SET)
    call.world.webhook_bell.ring()
    return Described("Webhook was set")


def delete_webhook(call: Call) -> Described:
    had_one = call.bot.webhook is not None
    call.bot.webhook = None
    if call.params.get("drop_pending_updates"):
        call.bot.pending.clear()
    return Described("Webhook was deleted" if had_one else "Webhook is already deleted")


def get_webhook_info(call: Call) -> Json:
    hook = call.bot.webhook
    call.world.expire(call.bot)
    info: Json = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(call.bot.pending),
    }
    if hook is not None:
        info["max_connections"] = hook.max_connections
        info["ip_address"] = "127.0.0.1"
        if hook.last_error_at is not None:
            info |= {"last_error_date": int(hook.last_error_at), "last_error_message": hook.last_error}
    if call.bot.allowed_updates is not None:
        info["allowed_updates"] = sorted(call.bot.allowed_updates)
    return info
