"""What typer does not do: commands that are imported when used, options after an action, old names."""

from __future__ import annotations

import gc
import importlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from chromadrill.core import renamed
from chromadrill.core.errors import UsageError


class Command(TyperCommand):
    """A command that never takes an option for the value of the option before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        refuse_option_as_value(self.get_params(ctx), args)
        return super().parse_args(ctx, args)


class Action(Command):
    """An action of a group. The group's own options may be typed before the action or after it."""

    def get_params(self, ctx: Any) -> list[Any]:
        shared = ctx.parent.command.params if ctx.parent else []
        return [*self.params, *shared, *super().get_params(ctx)[len(self.params) :]]

    def invoke(self, ctx: Any) -> Any:
        """Hand the values of the group's options to the group's context."""
        for parameter in ctx.parent.command.params:
            value = ctx.params.pop(parameter.name)
            if value is not None:
                ctx.parent.params[parameter.name] = value
        return super().invoke(ctx)


class LazyCommand(Command):
    """Stands for a command in lists and in help. Its module is imported when it is used."""

    def __init__(self, name: str, summary: str, module: str) -> None:
        super().__init__(name, short_help=summary, help=summary, rich_markup_mode=None)
        self._module = module

    def load(self) -> TyperCommand | TyperGroup:
        """The command itself, of its module's `app`."""
        with _no_garbage():
            command = get_command(importlib.import_module(self._module).app)
        command.name = self.name
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - for the type
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command itself: from here on, typer sees that one."""
        return self.load().make_context(info_name, args, parent=parent, **extra)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Without the garbage collector: what imports make stays, and it looks through it 60 ms long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class CommandGroup(TyperGroup):
    """A group whose commands may be lazy, and are listed by who needs them.

    `audiences`: whom a command is for: its name: its summary. The command is `app` of the module
    `commands.PREFIXNAME`. `renamed`: the old name of a command: what to type now.
    """

    audiences: Mapping[str, Mapping[str, str]] = {}
    prefix = ""
    renamed: Mapping[str, str] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for commands in self.audiences.values():
            for name, summary in commands.items():
                module = f"chromadrill.commands.{self.prefix}{name.replace('-', '_')}"
                self.commands[name] = LazyCommand(name, summary, module)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Refuse an old name with the new one; typer names the nearest of a mistyped one."""
        if args[0] in self.renamed:
            raise UsageError(
                f"{ctx.command_path} {args[0]}: it is called '{self.renamed[args[0]]}' now."
            )
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        refuse_option_as_value(self.get_params(ctx), args)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section for each audience, all in the same columns."""
        if not self.audiences:
            super().format_commands(ctx, formatter)
            return
        width = max(len(name) for name in self.commands)
        for audience, commands in self.audiences.items():
            with formatter.section(audience):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])


def refuse_option_as_value(parameters: Sequence[Any], args: Sequence[str]) -> None:
    """Raise UsageError for `--output-file --json`: it would write to a file called --json."""
    options = [option for option in parameters if isinstance(option, TyperOption)]
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    with_value = {name for option in options if not option.is_flag for name in option.opts}
    for argument, following in itertools.pairwise(args):
        if argument == "--":
            return
        if argument in with_value and following.partition("=")[0] in names:
            raise UsageError(f"{argument} needs a value, and {following} is an option.")


def usage_message(error: typer.TyperException) -> str:
    """What is wrong, with the usage line before it and the nearest name or the new one after it."""
    option = str(getattr(error, "option_name", ""))
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".")
    if option in renamed.OPTIONS:
        message = f"{option} is called {renamed.OPTIONS[option]} now"
    elif getattr(error, "possibilities", None):
        nearest = error.possibilities[0]  # type: ignore[attr-defined]
        message = f"No such option: {option}. Did you mean '{nearest}'?"
    if context is None:
        return message
    mark = "" if message.endswith("?") else "."
    return f"{context.get_usage()}\n{context.command_path}: {message}{mark}"


def application(
    *, cls: type[TyperGroup] | None = None, completion: bool = False, **options: Any
) -> typer.Typer:
    """A typer application as all of ours are: plain help, no tracebacks of its own."""
    return typer.Typer(
        cls=cls,
        add_completion=completion,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **options,
    )
