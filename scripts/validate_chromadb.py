"""Is this database what it was? The same as `chromadrill validate`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("validate")
