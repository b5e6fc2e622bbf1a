"""Datasets, a module for each subject. A dataset is a function from a request (`Wanted`) to tables and their rows."""
