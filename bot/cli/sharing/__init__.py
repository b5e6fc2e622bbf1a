"""Commands on data that leaves the plan: exports, tokens of the data door, receivers of events."""
