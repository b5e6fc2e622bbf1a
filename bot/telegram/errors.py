"""Telegram's errors, for those who call it through `bot/telegram`."""

from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError

__all__ = ["BadRequest", "InvalidToken", "NetworkError", "TelegramError"]
