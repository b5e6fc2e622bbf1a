"""The rules of a plan: what is due, when people are told, what may be shown. Pure, like everything here."""
