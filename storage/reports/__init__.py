"""What people report: forms, drafts, submissions, reviews, files and comments."""
