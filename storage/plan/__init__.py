"""A plan as rows: activities, indicators, periods, settings."""
