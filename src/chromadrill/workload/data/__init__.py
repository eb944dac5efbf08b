"""What a drill puts in: documents of the standard library, seeded vectors, traps included."""
