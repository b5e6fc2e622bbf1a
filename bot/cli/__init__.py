"""The command line: a folder a subject, a module a noun, loaded when it is used. It calls acts, never screens."""
