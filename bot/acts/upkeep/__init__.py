"""What operators read: the state of the bot, the audit log."""
