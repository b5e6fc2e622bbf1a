"""Commands of the operator: the database, the keys, the audit log, the state of the bot."""
