"""A plan as rows: activities, indicators, periods, their import and the figures counted from them."""
