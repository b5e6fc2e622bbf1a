"""Schedules, the ledger of what was said, pauses and holidays."""
