"""The fingerprint of a data directory, read without a server. Nothing in the directory is changed.

It is the same observation as a live one, without what only a server can answer: recall and the
answers to the reference queries are None. It shows what only files can show: SQLite's and the
full-text index's own checks, and the structure of the index files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from chromadrill.chroma.at_rest import Store, StoreUnknown
from chromadrill.chroma.at_rest.checks_beside import ChecksBeside
from chromadrill.chroma.fingerprint import reference_queries
from chromadrill.chroma.fingerprint.digests import record_table
from chromadrill.chroma.fingerprint.grader import Grader
from chromadrill.chroma.fingerprint.reference_queries import SAMPLE, ReferenceQuery
from chromadrill.chroma.permissions import MONITOR
from chromadrill.core.clock import now, utc_now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.memory import give_back_freed, without_cycle_search
from chromadrill.core.model import (
    AT_REST,
    AT_REST_IN_PART,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Observation,
    Page,
    ReadError,
    Scope,
)
from chromadrill.core.records.no_room import NoRoom
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool

NO_PAGE = Page([], [], [], [], np.empty((0, 0), np.float32))


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of all scopes of a directory. Raises Unavailable unless it is sound."""
    observation = observe(path)
    if observation.read_errors:
        first = observation.read_errors[0]
        raise Unavailable(
            f"No fingerprint of {path}: {len(observation.read_errors)} checks failed, the first is"
            f" {first.step} of {first.where}: {first.message}",
            next_step="A fingerprint of a damaged directory proves nothing; take another backup."
            if any(error.reading for error in observation.read_errors)
            else "",
        )
    return observation.fingerprint


def observe(
    path: Path, scopes: Sequence[Scope] = (), *, like: Fingerprint | None = None
) -> Observation:
    """Return what is in the files of `scopes` (default: those of `like`, else all but the monitor's).

    With `like` the reference queries are those of that fingerprint. What cannot be read is in the
    observation's `read_errors`.
    """
    return _Reader(path, tuple(scopes) or (like.scopes if like else ()), like).run()


class _Reader:
    def __init__(self, path: Path, scopes: tuple[Scope, ...], like: Fingerprint | None) -> None:
        self.path, self.scopes, self.like = path, scopes, like
        self.read_errors: list[ReadError] = []
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.spool = Spool()
        self.structures: list[tuple[int, str, Future[list[str]]]] = []  # (read errors before, key)

    @contextmanager
    def step(self, name: str, where: str) -> Iterator[None]:
        started = now()
        try:
            yield
        except NoRoom:
            raise  # says nothing of the store
        except StoreUnknown as error:
            self.read_errors.append(ReadError(name, where, str(error), reading=False))
        except DrillError as error:
            self.read_errors.append(ReadError(name, where, str(error)))
        except PermissionError as error:  # what may not be read is not damaged
            message = f"{error.filename} may not be read by this user."
            self.read_errors.append(ReadError(name, where, message, reading=False))
        except OSError as error:
            self.read_errors.append(ReadError(name, where, f"{error.filename}: {error.strerror}"))
        except Exception as error:  # damage nobody thought of: the reader's failure, not a verdict
            message = f"the reader itself failed: {type(error).__name__}: {error}"
            self.read_errors.append(ReadError(name, where, message, reading=False))
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + now() - started

    def run(self) -> Observation:
        taken_at, versions = utc_now(), {"reader": "at rest"}
        taken = AT_REST_IN_PART if self.scopes else AT_REST
        prints: dict[str, CollectionPrint] = {}
        databases: tuple[Scope, ...] = ()
        missing_tenants: tuple[str, ...] = ()
        newest_write: str | None = None
        unread: set[str] = set()
        with self.step("start", str(self.path)), Store.open(self.path) as store:
            versions = dict(store.versions)
            with ChecksBeside(store) as self.checks:
                with self.step("inventory", str(self.path)):
                    databases, missing_tenants = self.inventory(store)
                with self.step("inventory", str(self.path)):
                    for info in store.collections():
                        if info.scope in self.scopes:
                            prints[info.key] = self.collection(store, info)
                        else:
                            unread.add(info.tenant)
                self.structure()
                self.integrity()
            with suppress(DrillError):  # a log that cannot be read is the structure's own finding
                is_asked_for = MONITOR in {scope.tenant for scope in self.scopes}
                newest_write = store.newest_write(but=() if is_asked_for else (MONITOR,))
        fingerprint = Fingerprint(taken_at, taken, versions, self.scopes, databases, prints)
        return Observation(
            fingerprint,
            tuple(self.read_errors),
            missing_tenants,
            self.counts,
            self.seconds,
            newest_write=newest_write,
            unread_tenants=tuple(
                sorted(unread - {MONITOR} - {scope.tenant for scope in self.scopes})
            ),
        )

    def structure(self) -> None:
        """Note what was wrong with collections, each before what was found while it was read."""
        for place, key, problems in reversed(self.structures):
            others, self.read_errors = self.read_errors, []
            with self.step("structure", key):
                self.read_errors += [
                    ReadError("structure", key, text) for text in problems.result()
                ]
            self.read_errors = others[:place] + self.read_errors + others[place:]
        self.seconds["structure"] = self.checks.structure_s

    def integrity(self) -> None:
        """Note what SQLite's own checks found, before what was found of single collections."""
        others, self.read_errors = self.read_errors, []
        with self.step("integrity", str(self.path)):
            self.read_errors += [
                ReadError("integrity", str(self.path), text) for text in self.checks.file_problems()
            ]
        self.read_errors += others
        self.seconds["integrity"] = self.checks.integrity_s

    def inventory(self, store: Store) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
        """Return the databases of the wanted tenants, and those of the tenants that are missing."""
        databases = [Scope(tenant, name) for tenant, name in store.databases()]
        if not self.scopes:
            self.scopes = tuple(scope for scope in databases if scope.tenant != MONITOR)
        wanted = {scope.tenant for scope in self.scopes}
        if self.like is not None and self.like.covers_every_tenant:
            wanted |= set(store.tenants()) - {MONITOR}  # extras count
        missing = sorted(wanted - set(store.tenants()))
        return tuple(scope for scope in databases if scope.tenant in wanted), tuple(missing)

    def collection(self, store: Store, info: CollectionInfo) -> CollectionPrint:
        like = self.like.collections.get(info.key) if self.like else None
        with self.step("count", info.key):
            self.counts[info.key] = store.count(info)
        with suppress(Exception):  # the checks, and the reading, meet it again and say so
            store.vectors(info)
        problems = self.checks.check(info, self.counts.get(info.key, 0))
        self.structures.append((len(self.read_errors), info.key, problems))
        give_back_freed()
        questions: list[ReferenceQuery] = []
        with self.step("records", info.key):
            questions = self.questions(store, info, like)
        grader = Grader(info.space, questions, has_server=False)
        sorter = Sorter(self.spool)
        with self.step("records", info.key), without_cycle_search():
            for page in store.pages(info):
                sorter.add(record_table(page))
                grader.read(page)
        page = NO_PAGE  # the last one may be large
        store.forget(info)
        give_back_freed()
        count = self.counts.get(info.key, -1)
        return CollectionPrint(info, count, sorter.records(), tuple(grader.answers()))

    def questions(
        self, store: Store, info: CollectionInfo, like: CollectionPrint | None
    ) -> list[ReferenceQuery]:
        if like is None:
            return reference_queries.choose(store.sample(info, SAMPLE), info.schema)
        stored, ids = reference_queries.questions_of(like.answers)
        named = store.sample(info, 1, ids) if ids else NO_PAGE
        return reference_queries.bind(stored, named)
