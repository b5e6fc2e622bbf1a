"""Backup and restore, as the command line uses them."""
