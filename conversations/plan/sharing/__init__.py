"""Data that leaves a plan: the request for an export, and the events for receivers outside."""
