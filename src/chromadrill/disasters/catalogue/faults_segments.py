"""Damage to the segment directories: the vectors and the search graph."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from random import Random

from chromadrill.disasters.catalogue.byte_edits import cut, flip_bit, patch, swap_files
from chromadrill.disasters.catalogue.fault_registry import Act, FaultRegistry
from chromadrill.disasters.catalogue.segment_files import (
    RowLayout,
    live_labels,
    live_rows,
    read_pickle,
    write_pickle,
)
from chromadrill.disasters.catalogue.store_editor import BINS, PICKLE, Collection, StoreEditor
from chromadrill.disasters.catalogue.victims import (
    Hit,
    any_indexed,
    choose,
    in_space,
    largest_indexed,
    two_indexed,
)

FAULTS = FaultRegistry("segments")
FILES = (*BINS, PICKLE)
ROWS = "data_level0.bin"


@FAULTS.add("The index directory of the largest collection is missing.", largest_indexed)
def directory_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    shutil.rmtree(hit[0].directory)


@FAULTS.add("All index directories are missing: only chroma.sqlite3 was restored.")
def directories_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    directories = [c.directory for c in store.collections() if c.is_indexed]
    if not directories:
        raise LookupError("No collection has a synced index.")
    for directory in directories:
        shutil.rmtree(directory)


@FAULTS.add("The index directory of a collection is there but empty.", any_indexed)
def directory_emptied(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for path in hit[0].directory.iterdir():
        path.unlink()


@FAULTS.add("An index directory was set aside under another name.", any_indexed)
def directory_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    hit[0].directory.rename(hit[0].directory.with_name(hit[0].vector + ".drift"))


@FAULTS.add(
    "An index directory carries the id of the collection instead of the segment.", any_indexed
)
def directory_named_by_collection(store: StoreEditor, hit: Hit, rng: Random) -> None:
    hit[0].directory.rename(store.root / hit[0].id)


@FAULTS.add("The index directories of two collections have changed places.", two_indexed)
def directories_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    aside = store.root / "swap"
    hit[0].directory.rename(aside)
    hit[1].directory.rename(hit[0].directory)
    aside.rename(hit[1].directory)


def _on_file(name: str, damage: Callable[[StoreEditor, Hit, str], None]) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        if not (hit[0].directory / name).is_file():
            raise LookupError(f"{hit[0].key} has no {name}.")
        damage(store, hit, name)

    return act


def _delete(store: StoreEditor, hit: Hit, name: str) -> None:
    (hit[0].directory / name).unlink()


def _half(store: StoreEditor, hit: Hit, name: str) -> None:
    path = hit[0].directory / name
    cut(path, path.stat().st_size // 2)


def _empty(store: StoreEditor, hit: Hit, name: str) -> None:
    cut(hit[0].directory / name, 0)


def _zero(store: StoreEditor, hit: Hit, name: str) -> None:
    path = hit[0].directory / name
    path.write_bytes(bytes(path.stat().st_size))


def _bit(store: StoreEditor, hit: Hit, name: str) -> None:
    path = hit[0].directory / name
    flip_bit(path, path.stat().st_size // 2, 4)


def _swap(store: StoreEditor, hit: Hit, name: str) -> None:
    swap_files(hit[0].directory / name, hit[1].directory / name)


def _with_cosine(store: StoreEditor, rng: Random) -> Hit:
    first = in_space("cosine")(store, rng)[0]
    return (first, choose(store, rng, "is another", lambda c: c.is_indexed and c.id != first.id))


def _vector_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    # a bit anywhere else may hit the row of a deleted record or a link that no search follows
    header = RowLayout.read(hit[0].directory)
    row = live_rows(store, hit[0], rng, 1)[0]
    flip_bit(hit[0].directory / ROWS, row * header.row_size + header.vector_at + 6, 4)


for _file in FILES:
    _short, _about = _file.split(".")[0], f"{_file} of one index"
    # length.bin means something in a cosine collection only
    _pick = in_space("cosine") if _file == "length.bin" else any_indexed
    _pair = _with_cosine if _file == "length.bin" else two_indexed
    for _suffix, _end, _damage in (
        ("deleted", "is missing", _delete),
        ("half", "is cut to half", _half),
        ("empty", "has 0 bytes", _empty),
        ("zeroed", "is all zeros", _zero),
        ("bit", "has one bit flipped", _bit),
    ):
        _act = _on_file(_file, _damage)
        if (_file, _suffix) == (ROWS, "bit"):
            _act = _vector_bit
        FAULTS.enter(f"{_short}_{_suffix}", f"{_about} {_end}.", _pick, _act)
    FAULTS.enter(
        f"{_short}_swapped",
        f"{_file} of two collections changed places.",
        _pair,
        _on_file(_file, _swap),
    )


def _at(collection: Collection, row: int, offset: int = 0) -> int:
    return row * RowLayout.read(collection.directory).row_size + offset


@FAULTS.add("One stored vector differs in its smallest bit.", any_indexed)
def stored_vector_smallest_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    row = live_rows(store, hit[0], rng, 1)[0]
    flip_bit(hit[0].directory / ROWS, row * header.row_size + header.vector_at)


@FAULTS.add("One stored vector has the wrong sign in one coordinate.", any_indexed)
def stored_vector_sign(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    row = live_rows(store, hit[0], rng, 1)[0]
    flip_bit(hit[0].directory / ROWS, row * header.row_size + header.vector_at + 3, 7)


def _scale(store: StoreEditor, hit: Hit, rng: Random, factor: float, k: int) -> None:
    header = RowLayout.read(hit[0].directory)
    path = hit[0].directory / ROWS
    for row in live_rows(store, hit[0], rng, k):
        vector = header.vector(path, row)
        n = len(vector) // 4
        scaled = struct.pack(f"<{n}f", *(x * factor for x in struct.unpack(f"<{n}f", vector)))
        patch(path, row * header.row_size + header.vector_at, scaled)


@FAULTS.add("One stored vector is 10 % too long.", any_indexed)
def stored_vector_scaled(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _scale(store, hit, rng, 1.1, 1)


@FAULTS.add("Ten stored vectors are all zeros.", any_indexed)
def stored_vectors_zeroed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _scale(store, hit, rng, 0.0, 10)


@FAULTS.add("Two stored vectors have changed places.", any_indexed)
def stored_vectors_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    path = hit[0].directory / ROWS
    one, two = live_rows(store, hit[0], rng, 2)
    first, second = header.vector(path, one), header.vector(path, two)
    patch(path, one * header.row_size + header.vector_at, second)
    patch(path, two * header.row_size + header.vector_at, first)


@FAULTS.add("One row of the index carries the label of a record that does not exist.", any_indexed)
def label_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    row = live_rows(store, hit[0], rng, 1)[0]
    patch(hit[0].directory / ROWS, row * header.row_size + header.label_at,
          struct.pack("<Q", 10_000_019))  # fmt: skip


@FAULTS.add("Two rows of the index carry each other's label.", any_indexed)
def labels_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    path = hit[0].directory / ROWS
    rows = path.read_bytes()
    one, two = (n * header.row_size + header.label_at for n in live_rows(store, hit[0], rng, 2))
    patch(path, one, rows[two : two + 8])
    patch(path, two, rows[one : one + 8])


@FAULTS.add("One neighbour link of the search graph points outside the index.", any_indexed)
def link_out_of_range(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = live_rows(store, hit[0], rng, 1)[0]
    patch(hit[0].directory / ROWS, _at(hit[0], row, 4), struct.pack("<I", 0x7FFFFFF0))


@FAULTS.add("Half of the search graph has no links: searches miss records.", any_indexed)
def links_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    for row in range(0, header.count, 2):
        patch(hit[0].directory / ROWS, row * header.row_size, b"\x00\x00")


@FAULTS.add("All links of the search graph are gone.", any_indexed)
def links_all_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    header = RowLayout.read(hit[0].directory)
    for row in range(header.count):
        patch(hit[0].directory / ROWS, row * header.row_size, b"\x00\x00")


@FAULTS.add("Ten records are marked as deleted inside the index only.", any_indexed)
def rows_marked_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for row in live_rows(store, hit[0], rng, 10):
        patch(hit[0].directory / ROWS, _at(hit[0], row, 2), b"\x01")


@FAULTS.add("The remembered vector lengths of a cosine collection are doubled.", in_space("cosine"))
def cosine_lengths_doubled(store: StoreEditor, hit: Hit, rng: Random) -> None:
    path = hit[0].directory / "length.bin"
    n = path.stat().st_size // 4
    values = struct.unpack(f"<{n}f", path.read_bytes())
    path.write_bytes(struct.pack(f"<{n}f", *(x * 2 if abs(x) < 1e30 else x for x in values)))


@FAULTS.add("One remembered vector length of a cosine collection is wrong.", in_space("cosine"))
def cosine_length_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = live_rows(store, hit[0], rng, 1)[0]
    patch(hit[0].directory / "length.bin", row * 4, struct.pack("<f", 7.5))


def _header(offset: int, value: Callable[[int], int], form: str = "<Q") -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        path = hit[0].directory / "header.bin"
        old = struct.unpack_from(form, path.read_bytes(), offset)[0]
        patch(path, offset, struct.pack(form, value(old)))

    return act


FAULTS.enter("header_count_low", "The index header counts fewer rows than there are.", any_indexed,
         _header(20, lambda n: n - 100))  # fmt: skip
FAULTS.enter("header_count_high", "The index header counts more rows than there are.", any_indexed,
         _header(20, lambda n: n + 100))  # fmt: skip
FAULTS.enter("header_row_size", "The index header has a wrong row size.", any_indexed,
         _header(28, lambda n: n + 4))  # fmt: skip
FAULTS.enter("header_vector_offset", "The index header looks for vectors at a wrong place.", any_indexed,
         _header(44, lambda n: n + 4))  # fmt: skip
FAULTS.enter("header_entry_point", "Searches start at a row outside the index.", any_indexed,
         _header(56, lambda n: 0x7FFFFFF0, "<I"))  # fmt: skip


def _rewritten_since(store: StoreEditor, rng: Random) -> Hit:
    older = store.earlier()

    def test(c: Collection) -> bool:
        source = older / c.vector / PICKLE
        if not c.is_indexed or not source.is_file():
            return False
        return source.read_bytes() != (c.directory / PICKLE).read_bytes()

    return (choose(store, rng, "was synced again since the older copy", test),)


@FAULTS.add("The index of a collection is from an older instant.", _rewritten_since, older=True)
def files_from_another_instant(store: StoreEditor, hit: Hit, rng: Random) -> None:
    source = store.earlier() / hit[0].vector
    if not (source / PICKLE).is_file():
        raise LookupError(f"The older copy has no synced index of {hit[0].key}.")
    for name in FILES:
        shutil.copyfile(source / name, hit[0].directory / name)


def _older_file(name: str) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        source = store.earlier() / hit[0].vector / name
        if not source.is_file():
            raise LookupError(f"The older copy has no {name} of {hit[0].key}.")
        shutil.copyfile(source, hit[0].directory / name)

    return act


for _file in (ROWS, PICKLE, "header.bin"):
    FAULTS.enter(f"older_{_file.split('.')[0]}", f"Only {_file} of one index is from an older instant.",
             _rewritten_since, _older_file(_file), older=True)  # fmt: skip


@FAULTS.add("The index table gives two records each other's vector.", any_indexed)
def pickle_ids_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    path = hit[0].directory / PICKLE
    content = read_pickle(path)
    one, two = rng.sample(sorted(live_labels(store, hit[0])), 2)
    labels, names = content["id_to_label"], content["label_to_id"]
    labels[one], labels[two] = labels[two], labels[one]
    names[labels[one]], names[labels[two]] = one, two
    write_pickle(path, content)


def _drop(k: Callable[[int], int]) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        path = hit[0].directory / PICKLE
        content = read_pickle(path)
        live = sorted(live_labels(store, hit[0]))
        for name in rng.sample(live, k(len(live))):
            content["label_to_id"].pop(content["id_to_label"].pop(name))
        write_pickle(path, content)

    return act


FAULTS.enter("pickle_entry_dropped", "One record is missing from the index table.", any_indexed,
         _drop(lambda n: 1))  # fmt: skip
FAULTS.enter("pickle_entries_dropped", "3 % of the records are missing from the index table.",
             any_indexed, _drop(lambda n: max(2, n * 3 // 100)))  # fmt: skip


@FAULTS.add("One record has another id in the index table.", any_indexed)
def pickle_id_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    path = hit[0].directory / PICKLE
    content = read_pickle(path)
    name = rng.choice(sorted(live_labels(store, hit[0])))
    label = content["id_to_label"].pop(name)
    content["id_to_label"][name + "-x"] = label
    content["label_to_id"][label] = name + "-x"
    write_pickle(path, content)


@FAULTS.add("The index table states another dimension.", any_indexed)
def pickle_dimension(store: StoreEditor, hit: Hit, rng: Random) -> None:
    path = hit[0].directory / PICKLE
    content = read_pickle(path)
    content["dimensionality"] = (hit[0].dimension or 16) * 2
    write_pickle(path, content)


@FAULTS.add("The index table holds no records at all.", any_indexed)
def pickle_without_records(store: StoreEditor, hit: Hit, rng: Random) -> None:
    path = hit[0].directory / PICKLE
    content = read_pickle(path)
    content.update(id_to_label={}, label_to_id={})
    write_pickle(path, content)
