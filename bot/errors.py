"""Errors that an operator can mend, each told in one line."""


class Complaint(Exception):
    """An error for the operator. Its sentence is shown unchanged. It says what is wrong and what to do."""


class Misuse(Complaint):
    """The command was not given as it must be: exit code 2, and nothing was tried."""
