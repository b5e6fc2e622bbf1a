"""Screens on the plan: its items, its digest, its periods and settings, and the import of its workbook."""
