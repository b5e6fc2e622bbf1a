"""The rules of a plan: which reports are due, when people are told, which figures may be shown. Pure functions."""
