"""Commands on forms, and on observers' comments."""
