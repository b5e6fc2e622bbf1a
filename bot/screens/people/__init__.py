"""Who takes part: people, agencies, posts, and the right of observers to report."""
