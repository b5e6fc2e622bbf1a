"""The messages that nobody asked for: the jobs, the ledger that records them, and the loop that looks for due ones."""
