"""An instance from the inside, from the bottom: state, texts, rules. Others use `instance.py`, above it."""
