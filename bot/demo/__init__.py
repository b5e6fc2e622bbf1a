"""The demonstration: the sandbox and the bot side by side, kept running, with a page that shows both."""
