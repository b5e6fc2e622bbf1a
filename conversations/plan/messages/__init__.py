"""The words about a plan: reminders, digests, the plan on a page. This folder decides nothing."""
