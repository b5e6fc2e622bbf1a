"""The only place that speaks Telegram: updates in, calls out. It does not know what is said."""
