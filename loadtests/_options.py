"""Options of ours on locust's command line and on its page."""

from __future__ import annotations

import sys
from typing import Any

from locust.env import Environment

from chromadrill.errors import UsageError
from chromadrill.load.profiles import PROFILES, Profile, profile_named


def add_options(parser: Any) -> None:
    """`--profile` takes the place of locust's own, which is free text and no choice on its page."""
    ours = parser.add_argument_group("Load profile", conflict_handler="resolve")
    profile = ours.add_argument(
        "--profile",
        dest="load_profile",
        type=_known,
        choices=list(PROFILES),
        default="smoke",
        help="; ".join(f"{each.name}: {each.why}" for each in PROFILES.values()),
    )
    parser.set_defaults(profile=None)
    # a group's argument is not on the page unless it says so
    profile.include_in_web_ui = True
    profile.is_secret = profile.is_required = profile.is_multiple = False
    ours.add_argument(
        "--result",
        default="",
        help="write the verdict to this JSON file; raw samples, picture and table beside it",
    )


def _known(name: str) -> str:
    """Exit 64 for an unknown one: argparse's own 2 would mean "could not check"."""
    try:
        return profile_named(name).name
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(64)


def chosen(environment: Environment) -> Profile:
    """The profile of the command line or of the page."""
    return profile_named(environment.parsed_options.load_profile)
