"""The figures of a plan: closings, lights, numbers of a year, and the suppression of small numbers."""
