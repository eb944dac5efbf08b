"""A restic repository as a source. It is only read, without a lock; restic itself finds the password."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromadrill.backups.sources.contents import locate
from chromadrill.backups.sources.outside_command import CommandFailed, run
from chromadrill.backups.sources.source import newest_first
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import DrillError, Unavailable, UsageError
from chromadrill.core.model import JSON, Artefact
from chromadrill.core.redaction import hide_password, mask_secrets

PREFIX = "restic:"
HOST, ANY_HOST = "#host=", "*"
LIST_S = 120.0  # for one answer about the repository
_LOCKED_OUT = ("wrong password", "empty password", "no key found", "password could not be read",
               "Resolving password failed", "unable to read password")  # fmt: skip
_NO_REPOSITORY = ("Is there a repository at", "does not exist", "unable to open config file")


@dataclass(frozen=True, slots=True)
class ResticSource:
    """The snapshots of REPOSITORY, or those with `which`: a tag, or an absolute path.

    `host`: only those that were made on it; ANY_HOST: whichever it was; "": none was named.
    """

    name: str
    repository: str
    which: str
    host: str
    timeout_s: float

    @property
    def named(self) -> str:
        """What was named of the repository, in words; "" for nothing."""
        host = f"host {self.host}" if self.host else ""
        return ", ".join(filter(None, (self.which, host)))

    @property
    def where(self) -> str:
        named = f" ({self.named})" if self.named else ""
        return f"the restic repository {mask_secrets(self.repository)}{named}"

    def artefacts(self) -> list[Artefact]:
        """Newest first; raises as `snapshots`."""
        rows = self.snapshots()
        try:
            return newest_first([_artefact(row) for row in rows])
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise self.not_a_list(error) from error

    def snapshots(self) -> list[JSON]:
        """What restic says of each snapshot, in its order.

        Raises Unavailable where restic fails, and for snapshots of several paths or hosts where
        none is named: the newest of them may be a backup of another server.
        """
        rows: list[JSON] = (
            self.ask("snapshots", *self.only) or []
        )  # some releases say null for none
        try:
            paths = {", ".join(row["paths"]) for row in rows}
            hosts = {str(row.get("hostname", "")) for row in rows}
        except (TypeError, KeyError, AttributeError) as error:
            raise self.not_a_list(error) from error
        repository = f"{PREFIX}{mask_secrets(self.repository)}"
        if len(paths) > 1 and not self.which:
            raise Unavailable(
                f"{self.where} has snapshots of several paths: {'; '.join(sorted(paths)[:5])}.",
                next_step=f"Name one: {repository}#/PATH, or #TAG.",
            )
        if len(hosts) > 1 and not self.host:
            place = f"{repository}#{self.which}" if self.which else repository
            raise Unavailable(
                f"{self.where} has snapshots of several hosts: {'; '.join(sorted(hosts)[:5])}.",
                next_step=f"Name the one that is meant: {place}{HOST}NAME; or all, by {HOST}{ANY_HOST},"
                " where each run of one job has a host name of its own.",
            )
        return rows

    def not_a_list(self, error: Exception) -> Unavailable:
        """The sentence for an answer that is JSON, and not restic's list of snapshots."""
        return Unavailable(f"{self.where}: the answer is not a list of snapshots: {error!r}.")

    def size_of(self, artefact: Artefact) -> int | None:
        """What restic says of the restored files."""
        answer = self.ask("stats", "--mode", "restore-size", artefact.id, about=artefact)
        size = answer.get("total_size") if isinstance(answer, dict) else None
        return int(size) if isinstance(size, int) else None

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """Restore the snapshot into `into`."""
        only = ["--include", self.which] if self.which.startswith("/") else []
        self._run(
            "restore", artefact.id, "--target", str(into), *only,
            limit_s=self.timeout_s, about=artefact, into=into,
        )  # fmt: skip
        return locate(into, f"restic snapshot {artefact.id}")

    @property
    def only(self) -> list[str]:
        """The options by which restic lists the snapshots of `which`, and of `host`, alone."""
        options = []
        if self.which:
            options += ["--path" if self.which.startswith("/") else "--tag", self.which]
        if self.host not in ("", ANY_HOST):
            options += ["--host", self.host]
        return options

    def ask(self, command: str, *args: str, about: Artefact | None = None) -> Any:
        """What a command of restic answers, as JSON. `about`: the snapshot that it is asked of."""
        limit_s = min(LIST_S, self.timeout_s)
        output = self._run(command, *args, "--json", limit_s=limit_s, about=about)
        try:
            return json.loads(output)
        except ValueError as error:
            raise Unavailable(
                f"restic {command} answered no JSON: {mask_secrets(output[:200])!r}."
            ) from error

    def _run(
        self,
        command: str,
        *args: str,
        limit_s: float,
        about: Artefact | None = None,
        into: Path | None = None,
    ) -> str:
        arguments = ["restic", "--repo", self.repository, "--no-lock", command, *args]
        try:
            return run(arguments, name=f"restic {command}", limit_s=limit_s, into=into)
        except CommandFailed as error:
            raise self._explain(error, about) from error
        except Unavailable as error:
            if "is not there" in error.sentence:
                raise Unavailable(
                    "restic is not installed.", next_step="apt-get install restic"
                ) from error
            raise

    def _explain(self, error: CommandFailed, about: Artefact | None) -> DrillError:
        """What restic's last words mean, and what to do."""
        if any(phrase in error.last_words for phrase in _LOCKED_OUT):
            return Unavailable(
                f"{self.where} is encrypted, and its password is wrong or missing: {_ended(error)}",
                next_step="Set RESTIC_PASSWORD_FILE (or RESTIC_PASSWORD_COMMAND) in the environment.",
            )
        if any(phrase in error.last_words for phrase in _NO_REPOSITORY) and about is None:
            return Unavailable(
                f"{self.where} is not there: {_ended(error)}",
                next_step="Is its disk mounted, and the name right?",
            )
        if about is not None and (
            "no matching ID" in error.last_words or "not found" in error.last_words
        ):
            return Unavailable(
                f"restic snapshot {about.id} is gone: {_ended(error)}",
                next_step="Did `restic forget` run meanwhile? Prove another one: --pick newest.",
            )
        return error


def _ended(error: CommandFailed) -> str:
    """The last words of restic, as a sentence: our next step follows."""
    words = error.last_words.strip()
    return words if words.endswith((".", "?", "!")) else f"{words}."


def parse_source(name: str, text: str, timeout_s: float) -> ResticSource:
    """The source of restic:REPOSITORY[#TAG or #/PATH][#host=HOST].

    Raises UsageError for an empty part.
    """
    place, has_host, host = text.removeprefix(PREFIX).partition(HOST)
    repository, has_which, which = place.partition("#")
    hide_password(repository)
    if not repository or (has_which and not which) or (has_host and not host):
        raise UsageError(
            f"{mask_secrets(text)}: write restic:REPOSITORY, a tag or an absolute path after #, and"
            f" {HOST}NAME for one of several hosts."
        )
    return ResticSource(name, repository, which, host, timeout_s)


def _artefact(row: JSON) -> Artefact:
    summary = row.get("summary") or {}  # of restic 0.17 and later
    return Artefact(
        row["short_id"],
        _time(row["time"]),
        summary.get("total_bytes_processed"),
        "restic",
        finished_at=_time(summary["backup_end"]) if summary.get("backup_end") else None,
    )


def _time(text: str) -> str:
    """restic's time of nine decimals, as all of ours are written."""
    return time_text(parse_time(text, require_zone=True))
