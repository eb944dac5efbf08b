"""The append-only ledger of a run, and the record that is built from it."""
