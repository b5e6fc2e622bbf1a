"""Acts on the times of messages: holidays, pauses, letters."""
