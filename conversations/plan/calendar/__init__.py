"""Who is told something, and when: working time, the ladder of reminders, the agenda, and the rules that decide."""
