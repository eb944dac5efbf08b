"""Starts the Chroma server that is installed in FOLDER: `python -I -S launcher.py FOLDER run ...`.

Without site-packages (-S): a release of 0.x has no server in Rust, and would find that of another
release in the environment of this interpreter.
"""

from __future__ import annotations

import signal
import sys

sys.path.insert(0, sys.argv.pop(1))
try:
    import chromadb_rust_bindings  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:  # before 1.0 the server is Python
    from chromadb.cli.cli import app

    app()  # type: ignore[no-untyped-call,unused-ignore]
else:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    chromadb_rust_bindings.cli(["chroma", *sys.argv[1:]])
