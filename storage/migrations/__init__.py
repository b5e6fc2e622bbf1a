"""How older tables become those of `storage.database.models`, step by step. `storage.database.migrating` runs it."""
