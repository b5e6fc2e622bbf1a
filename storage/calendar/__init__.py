"""The times of messages as rows: schedules, recipients, the ledger of what was said, pauses, holidays."""
