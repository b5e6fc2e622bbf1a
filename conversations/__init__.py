"""What is asked and said: pure functions and data, without I/O and without a clock. The lowest floor."""
