"""`python -m chromadrill COMMAND`: the same as `chromadrill COMMAND`."""

from chromadrill.commands.app import main

if __name__ == "__main__":
    main()
