"""Finds text that must not be stored, and text of somebody in danger (docs/domain.md#free-text)."""
