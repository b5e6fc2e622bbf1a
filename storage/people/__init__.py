"""Who people are, for which agency, and with which role."""
