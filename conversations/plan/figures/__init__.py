"""Where a plan stands, counted: closings, lights, figures of a year, and what may be shown of small numbers."""
