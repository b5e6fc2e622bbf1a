"""Acts on reports, on comments about them, and on the forms in which they are filled."""
