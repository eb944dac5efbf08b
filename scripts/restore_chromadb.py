"""RB-4: bring an export back, and prove it. The same as `chromadrill restore`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("restore")
