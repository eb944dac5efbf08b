"""Where a collection can be made from again: the rows of a PostgreSQL table, or its own documents."""
