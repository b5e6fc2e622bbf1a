"""Publish a form's workbook: it is read, checked, and filled once on trial."""
