"""Acts on people, agencies and their posts."""
