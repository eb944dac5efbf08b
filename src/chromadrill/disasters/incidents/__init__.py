"""What people reported in public, each rebuilt: the track record, run by `pytest -m incidents`."""
