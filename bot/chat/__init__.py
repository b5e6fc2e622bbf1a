"""One update being answered: who asks, what they may do, and what is said in return."""
