"""Datasets: a module for each subject. A dataset is a function from what is wanted to tables and their rows."""
