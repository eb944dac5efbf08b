"""RB-3: embed every document of a source anew. The same as `chromadrill regenerate`."""

from chromadrill.commands.app import script

if __name__ == "__main__":
    script("regenerate")
