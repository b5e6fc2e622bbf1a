"""The history of the tables: one step forwards and one back per version, run by `storage.database.engines`."""
