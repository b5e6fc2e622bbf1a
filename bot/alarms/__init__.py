"""What somebody must see to: the alarms there are, which of them stand, and how admins learn of them."""
