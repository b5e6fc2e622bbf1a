"""What a tap shows: a folder a subject, a module a screen. A screen calls acts; it changes nothing itself."""
