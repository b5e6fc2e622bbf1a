"""Messages as rows: updates that came in, calls that go out, the jobs between them, and events for receivers."""
