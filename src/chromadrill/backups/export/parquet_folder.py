"""The folder of an export: a Parquet file for each collection, described as any backup of ours.

DIR/manifest.json   every file with its checksums; which collection is which file
DIR/fingerprint     taken before, and equal to what the files hold
DIR/data/           TENANT/DATABASE/NAME.parquet
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chromadrill.backups import catalog, manifest
from chromadrill.backups.export.parquet_reader import ParquetReader
from chromadrill.backups.export.parquet_writer import ParquetWriter
from chromadrill.backups.export.types import (
    ExportRefused,
    require_counts,
    with_print,
    without_unbegun,
)
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import (
    JSON,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Outcome,
    Page,
)

METHOD = "export"
NAME_LENGTH = 60  # characters of a collection's name in the name of its file


class FolderWriter:
    """A Writer of a folder. `about` goes into the manifest as the source."""

    def __init__(
        self, path: Path, fingerprint: Fingerprint, *, about: Mapping[str, Any] | None = None
    ) -> None:
        self._path, self._fingerprint, self._about = path, fingerprint, dict(about or {})
        self._files: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._writer: ParquetWriter | None = None
        (path / "data").mkdir(mode=0o700, parents=True)

    def begin(self, info: CollectionInfo) -> None:
        """Start the file of the next collection."""
        self._end()
        file = Path("data", f"{len(self._files):04d}-{info.name[:NAME_LENGTH]}.parquet")
        self._files[info.key] = file.as_posix()
        self._counts[info.key] = 0
        alone = {info.key: self._fingerprint.collections[info.key]}
        one = dataclasses.replace(self._fingerprint, collections=alone)
        self._writer = ParquetWriter(self._path / file, one, about=self._about)
        self._writer.begin(info)

    def write(self, page: Page) -> None:
        """Append records to the collection begun last."""
        if self._writer is None:
            raise UsageError(f"{self._path}: begin a collection before writing records.")
        self._writer.write(page)
        self._counts[next(reversed(self._counts))] += len(page.ids)

    def amend(self, collection: CollectionPrint) -> None:
        """Take what the collection begun last holds for what the fingerprint says of it."""
        self._fingerprint = with_print(self._fingerprint, collection)
        if self._writer is not None:
            self._writer.amend(collection)

    def seal(self, requires: JSON, coverage: JSON | None = None) -> None:
        """End the last file, and write fingerprint and manifest; see Writer."""
        self._end()
        if coverage is not None:
            self._fingerprint = without_unbegun(self._fingerprint, self._counts)
        require_counts(self._fingerprint, self._counts)
        more: dict[str, Any] = {"coverage": coverage} if coverage else {}
        catalog.describe(
            self._path,
            self._fingerprint,
            backup_id=str(self._about.get("name", self._path.name)),
            method=METHOD,
            source=self._about,
            requires=requires,
            collections=self._files,
            **more,
        )

    def close(self) -> None:
        """Let the file that is being written go, sealed or not."""
        if self._writer is not None:
            self._writer.close()

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.seal({})  # what the whole needs is known at its end
            self._writer = None


class FolderReader:
    """A Reader of a folder. Raises ExportRefused unless every file is what the manifest says."""

    fingerprint: Fingerprint
    sha256: str
    about: JSON

    def __init__(self, path: Path) -> None:
        content = manifest.read(path)
        if content.get("method") != METHOD:
            raise ExportRefused(
                f"{path} is not an export: it was made by '{content.get('method')}'.",
                next_step="Restore it with: chromadrill ops --target T restore ID",
            )
        try:
            verdict = manifest.compare_files(path, content)
            if verdict.outcome is not Outcome.PASS:
                raise ExportRefused(
                    f"{path} was altered or is not whole: {verdict.message}.",
                    next_step="Use the folder as it was exported, or another backup.",
                )
            fingerprint = path / "fingerprint"
            if manifest.sha256(fingerprint) != content["fingerprint_sha256"]:
                raise ExportRefused(
                    f"{fingerprint} is not the fingerprint that the manifest names."
                )
            self._files = {key: path / file for key, file in content["collections"].items()}
        except (KeyError, TypeError, AttributeError, OSError) as error:
            raise ExportRefused(f"{path} was altered: {error!r}.") from error
        self.fingerprint = fingerprint_file.load(fingerprint)
        self.sha256 = manifest.sha256(path / manifest.NAME)
        self.about = {**content.get("source", {}), "requires": content.get("requires", {})}
        if "coverage" in content:
            self.about["coverage"] = content["coverage"]
        if self._files.keys() != self.fingerprint.collections.keys():
            raise ExportRefused(f"{path} was altered: other collections than its fingerprint.")

    def pages(self, key: str, *, size: int = 1000) -> Iterator[Page]:
        """Yield the records of a collection, see Reader. Raises UsageError for an unknown key."""
        if key not in self._files:
            raise UsageError(f"No collection {key} here. {did_you_mean(key, self._files)}")
        yield from ParquetReader(self._files[key]).pages(key, size=size)

    def close(self) -> None:
        """Nothing is held open between pages."""
