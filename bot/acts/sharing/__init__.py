"""Acts on what leaves the plan: exports, tokens of the data door, receivers of events."""
