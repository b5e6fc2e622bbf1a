"""Finds text that must not be stored, and text of somebody in danger (SECURITY, last paragraph; DOMAIN §2.6)."""
