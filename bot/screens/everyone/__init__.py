"""What everybody sees, whatever their role: the first screens, preferences, and answers to what comes unasked."""
