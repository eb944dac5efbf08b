"""Options of ours on locust's command line and on its page."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from functools import partial
from typing import Any, NoReturn

from locust.env import Environment

from chromadrill.core.errors import UsageError
from chromadrill.workload.load.profiles import PROFILES, Profile, profile_named

USAGE = 64


def add_options(parser: Any) -> None:
    """`--profile` takes the place of locust's own, which is free text and no choice on its page."""
    parser.error = partial(_exit_usage, parser)
    group = parser.add_argument_group("Load profile", conflict_handler="resolve")
    option = group.add_argument(
        "--profile",
        dest="load_profile",
        type=_profile_name,
        choices=list(PROFILES),
        default="smoke",
        help="; ".join(f"{profile.name}: {profile.why}" for profile in PROFILES.values()),
    )
    parser.set_defaults(profile=None)
    # a group's argument is not on the page unless it says so
    option.include_in_web_ui = True
    option.is_secret = option.is_required = option.is_multiple = False
    group.add_argument(
        "--result",
        default="",
        help="write the verdict to this JSON file; raw samples, picture and table beside it",
    )


def _exit_usage(parser: Any, message: str) -> NoReturn:
    """Exit 64: argparse's own 2 would mean "could not check"."""
    parser.print_usage(sys.stderr)
    sys.stderr.write(f"{message}{_nearest(parser, message)}\n")
    sys.exit(USAGE)


def _nearest(parser: Any, message: str) -> str:
    """The option that the first unknown one may have meant."""
    unknown = message.partition("unrecognized arguments: ")[2].partition(" ")[0].partition("=")[0]
    names = [name for action in parser._actions for name in action.option_strings]
    close = get_close_matches(unknown, names, n=1)
    return f". Did you mean '{close[0]}'?" if close else ""


def _profile_name(name: str) -> str:
    try:
        return profile_named(name).name
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(USAGE)


def profile_of(environment: Environment) -> Profile:
    """The profile of the command line or of the page."""
    return profile_named(environment.parsed_options.load_profile)
