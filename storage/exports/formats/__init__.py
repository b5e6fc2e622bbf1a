"""Formats: each writes tables as a file. A format knows no dataset."""
