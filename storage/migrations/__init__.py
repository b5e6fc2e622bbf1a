"""How the tables came to be: one step each way per version, run by `storage.database.engines` (there is no
alembic.ini)."""
