"""The holder of SQLite's write lock on FILE, until its input ends: `python lock_holder.py FILE`.

It is a process of its own: POSIX drops all of a process's locks on a file as soon as that process
closes any handle of it. So whoever copies the file must not be the one that holds its lock.
"""

from __future__ import annotations

import sqlite3
import sys

BUSY_S = 30.0

try:
    database = sqlite3.connect(sys.argv[1], timeout=BUSY_S, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
except sqlite3.Error as error:
    sys.stdout.write(f"{error}\n")
    sys.exit(1)
sys.stdout.write("locked\n")
sys.stdout.flush()
sys.stdin.read()
database.execute("ROLLBACK")
