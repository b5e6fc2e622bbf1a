"""What can be done, written once, whoever asks: a tap, the command line or a schedule."""
