"""The history of the tables: one step forwards and one back for each version. `storage.database.migrating` runs it."""
