"""Stand for the tables of commit 7b6c921, the oldest ones that this version upgrades.

Nothing is done here: a database of that commit has these tables already, and a new one is made from the models.
"""

revision = "0008"
down_revision = None


def upgrade() -> None:
    pass
