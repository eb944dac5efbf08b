"""RB-6: is every search fast enough, and right? The same as `chromadrill performance`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("performance")
