"""Formats: how tables are written as a file. A format knows no dataset."""
