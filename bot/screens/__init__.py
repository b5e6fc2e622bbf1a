"""What a tap shows, one module a screen."""
