"""Screens on the times of messages: schedules, holidays, the buttons of a reminder, letters to silent agencies."""
