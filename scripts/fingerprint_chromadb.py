"""Take the fingerprint of a database. The same as `chromadrill fingerprint`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("fingerprint")
