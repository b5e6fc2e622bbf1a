"""What a button carries, written by hand: a tap on a button that nobody was shown."""

from bot.telegram.updates import command_head, form_head


def form_token(session_id: int, turn: int, action: str, argument: str) -> str:
    """callback_data of a form's button: whose session, which turn, what."""
    return f"{form_head(session_id, turn)}{action}:{argument}"


def command_token(name: str, argument: str) -> str:
    """callback_data of every other button."""
    return f"{command_head()}{name}:{argument}"
