"""What came in, what goes out, and the jobs between."""
