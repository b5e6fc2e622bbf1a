"""One form being filled in a chat: events in, effects out. It knows the form; it does not know who sends it where."""
