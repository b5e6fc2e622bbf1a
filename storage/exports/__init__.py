"""What can be taken out of a plan (`exporters`), as tables or as files. Empty: who draws a page needs no dataset."""
