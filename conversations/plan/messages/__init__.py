"""What is said about a plan, in words: reminders, digests, the plan on a page. It decides nothing."""
