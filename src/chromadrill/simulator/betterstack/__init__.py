"""The APIs of Better Stack, simulated: an account in memory, over HTTP."""
