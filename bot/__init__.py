"""How it travels: Telegram, the clock, the command line, the web. The floor above `storage` and `conversations`."""
