"""The inside of an instance, from the bottom: state, texts, rules. Other folders use `instance.py`, above it."""
