"""What every role sees: the first screens, preferences, help, and answers to messages that nobody asked for."""
