"""Reports as rows: forms, drafts, submissions, reviews, files and comments."""
