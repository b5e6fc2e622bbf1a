"""Screens on people, agencies, posts, and observers' right to report."""
