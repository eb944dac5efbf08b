"""RB-3: make a collection again from PostgreSQL. The same as `chromadrill rebuild`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("rebuild")
