"""What a phone shows while a form is filled in: cards, as plain data."""
