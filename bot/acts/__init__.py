"""Acts: everything that can be done, a folder a subject.

An act is written once and called by taps, the command line and schedules.
"""
