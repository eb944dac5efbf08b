"""What a database holds and how it answers: taken live or at rest, kept in one file, compared."""
