"""RB-4: export collections, whole. The same as `chromadrill backup`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("backup")
