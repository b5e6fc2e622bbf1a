"""Who is told what, and when: working time, the ladder of reminders, the agenda, and the rules that say yes or no."""
