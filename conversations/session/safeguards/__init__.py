"""What must not be written down, and what looks like somebody in danger (SECURITY, last paragraph; DOMAIN §2.6)."""
