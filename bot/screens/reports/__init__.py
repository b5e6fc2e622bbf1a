"""A report from its first question to its review: filling, drafts, receipts, corrections, comments; and its forms."""
