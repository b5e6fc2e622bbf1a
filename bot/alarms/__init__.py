"""Alarms: the table of kinds, the alarms that stand, and how admins learn of them."""
