"""Railway, simulated on this machine: real `chroma run` servers and directories, made-up platform.

It behaves as Railway's documentation and schema say. It is not Railway: what it lets pass may fail
there, and every record of a run against it says "simulated".
"""
