"""Commands on when something is said: schedules, holidays, pauses, what is due."""
