"""RB-5: does the collection hold enough records? The same as `chromadrill counts`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("counts")
