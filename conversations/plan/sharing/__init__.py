"""What leaves a plan: which export may be asked for, and what receivers outside are told."""
