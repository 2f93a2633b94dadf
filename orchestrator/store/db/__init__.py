"""The database itself: schema, dialects, transactions, migrations."""
