"""A form's workbook being published: read, checked, and filled once on trial."""
