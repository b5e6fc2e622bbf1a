"""What can be done, a folder a subject. Written once, whoever asks: a tap, the command line or a schedule."""
