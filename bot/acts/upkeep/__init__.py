"""The readings of operators: the state of the bot, and the audit log."""
