"""Disks of our own: file systems in files, whose power can be cut while a server runs on them."""
