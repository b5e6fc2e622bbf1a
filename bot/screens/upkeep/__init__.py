"""What operators watch: the state of the bot, the audit log."""
