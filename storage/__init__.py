"""What is remembered: the database, its repositories, exports and chores. The floor above `conversations`."""
