"""Commands on people, agencies, invitations and delegations."""
