"""People as rows: who they are, for which agency, and with which role."""
