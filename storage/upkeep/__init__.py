"""Chores: health, retention, resealing, and the seal of the audit log."""
