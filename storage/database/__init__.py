"""The two databases, the tables, the transaction and the key ring. Knows no repository."""
