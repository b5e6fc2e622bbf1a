"""Commands on the times of messages: schedules, holidays, pauses, and the messages that are due."""
