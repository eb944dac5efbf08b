"""One scenario from the healthy server to the verdict, and the proofs that it runs."""
