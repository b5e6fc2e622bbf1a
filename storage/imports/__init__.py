"""A plan's workbook: read, compared, applied, undone, and written."""
