"""Commands on forms, and on what observers say of reports."""
