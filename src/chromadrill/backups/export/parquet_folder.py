"""An export as a folder: a Parquet file for each collection, described as any backup of ours.

DIR/manifest.json   every file with size and SHA-256; which collection is which file
DIR/fingerprint     taken before, and equal to what the files hold
DIR/data/           TENANT/DATABASE/NAME.parquet
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chromadrill.backups import catalog, manifest
from chromadrill.backups.export.parquet_reader import ColumnsReader
from chromadrill.backups.export.parquet_writer import ColumnsWriter
from chromadrill.backups.export.types import ExportRefused, require_counts
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import CollectionInfo, Fingerprint, Outcome, Page

METHOD = "export"
NAME_SHOWN = 60  # characters of a collection's name


class FolderWriter:
    """A Writer of a folder. `about` goes into the manifest as the source."""

    def __init__(
        self, path: Path, fingerprint: Fingerprint, *, about: Mapping[str, Any] | None = None
    ) -> None:
        self._path, self._fingerprint, self._about = path, fingerprint, dict(about or {})
        self._files: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._now: ColumnsWriter | None = None
        (path / "data").mkdir(mode=0o700, parents=True)

    def begin(self, info: CollectionInfo) -> None:
        self._end()
        file = Path("data", f"{len(self._files):04d}-{info.name[:NAME_SHOWN]}.parquet")
        self._files[info.key] = file.as_posix()
        self._counts[info.key] = 0
        alone = {info.key: self._fingerprint.collections[info.key]}
        one = dataclasses.replace(self._fingerprint, collections=alone)
        self._now = ColumnsWriter(self._path / file, one, about=self._about)
        self._now.begin(info)

    def write(self, page: Page) -> None:
        if self._now is None:
            raise UsageError(f"{self._path}: begin a collection before writing records.")
        self._now.write(page)
        self._counts[next(reversed(self._counts))] += len(page.ids)

    def seal(self) -> None:
        self._end()
        require_counts(self._fingerprint, self._counts)
        catalog.describe(
            self._path,
            self._fingerprint,
            backup_id=str(self._about.get("name", self._path.name)),
            method=METHOD,
            source=self._about,
            collections=self._files,
        )

    def close(self) -> None:
        if self._now is not None:
            self._now.close()

    def _end(self) -> None:
        if self._now is not None:
            self._now.seal()
            self._now = None


class FolderReader:
    """A Reader of a folder. Raises ExportRefused unless every file is what the manifest says."""

    fingerprint: Fingerprint
    sha256: str

    def __init__(self, path: Path) -> None:
        described = manifest.read(path)
        if described.get("method") != METHOD:
            raise ExportRefused(
                f"{path} is not an export: it was made by '{described.get('method')}'.",
                next_step="Restore it with: chromadrill ops --target T restore ID",
            )
        try:
            verdict = manifest.same_files(path, described)
            if verdict.outcome is not Outcome.PASS:
                raise ExportRefused(
                    f"{path} was altered or is not whole: {verdict.message}.",
                    next_step="Use the folder as it was exported, or another backup.",
                )
            beside = path / "fingerprint"
            if manifest.sha256(beside) != described["fingerprint_sha256"]:
                raise ExportRefused(f"{beside} is not the fingerprint that the manifest names.")
            self._files = {key: path / file for key, file in described["collections"].items()}
        except (KeyError, TypeError, AttributeError, OSError) as error:
            raise ExportRefused(f"{path} was altered: {error!r}.") from error
        self.fingerprint = fingerprint_file.load(beside)
        self.sha256 = manifest.sha256(path / manifest.NAME)
        if self._files.keys() != self.fingerprint.collections.keys():
            raise ExportRefused(f"{path} was altered: other collections than its fingerprint.")

    def pages(self, key: str, *, size: int = 1000) -> Iterator[Page]:
        if key not in self._files:
            raise UsageError(f"No collection {key} here. {did_you_mean(key, self._files)}")
        yield from ColumnsReader(self._files[key]).pages(key, size=size)

    def close(self) -> None:
        """Nothing is held open between pages."""
