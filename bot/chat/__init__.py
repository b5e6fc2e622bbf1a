"""One update that is being answered: who asks, what they may do, and what the bot says in return."""
