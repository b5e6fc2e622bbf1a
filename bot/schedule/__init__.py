"""What is said without being asked: jobs, the ledger they are recorded in, and the loop that looks."""
