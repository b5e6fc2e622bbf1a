"""Acts on when something is said: holidays, pauses, letters."""
