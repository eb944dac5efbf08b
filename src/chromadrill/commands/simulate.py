"""A platform to try things on, run on this machine."""

from __future__ import annotations

from chromadrill.commands.groups import CommandGroup, application


class Platforms(CommandGroup):
    """A module `simulate_NAME` for each platform."""

    prefix = "simulate_"
    audiences = {  # noqa: RUF012
        "Platforms": {
            "railway": "a project with a Chroma service; what goes wrong there has a name",
            "betterstack": "its APIs, and an empty account",
        }
    }


app = application(cls=Platforms)


@app.callback()
def simulate() -> None:
    """Run a simulated platform, and print what to set in the environment."""
