"""When something is said: schedules, who could be told, the ledger of what was said, pauses, holidays."""
