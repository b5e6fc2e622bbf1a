"""When something is said: schedules, holidays, the buttons under a reminder, letters to agencies that stay silent."""
