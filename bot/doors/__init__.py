"""What other programs may call, over HTTP."""
