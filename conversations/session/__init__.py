"""One form being filled in a chat: events in, effects out. It knows the form, but not the sender or Telegram."""
