"""Screens of a report from its first question to its review: filling, drafts, receipts, corrections, comments.

Also forms.
"""
