"""One file a command: arguments -> one function of the engine -> exit code."""
