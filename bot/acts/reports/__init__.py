"""Acts on reports, on what is said of them, and on the forms they are filled in."""
