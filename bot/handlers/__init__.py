"""What becomes of an update, by its kind: a command, a tap, a message. `bot/dispatch.py` has the table of kinds."""
