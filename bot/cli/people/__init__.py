"""Commands on who takes part: people, agencies, invitations, delegations."""
