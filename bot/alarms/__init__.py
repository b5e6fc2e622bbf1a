"""Alarms: which kinds there are, which of them stand, and how admins learn of them."""
