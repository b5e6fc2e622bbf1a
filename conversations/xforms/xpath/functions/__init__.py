"""The library of functions: a module for each subject, and one table of all functions."""
