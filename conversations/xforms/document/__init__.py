"""Reads an XForm document once: XML in, a published form out. It knows no session."""
