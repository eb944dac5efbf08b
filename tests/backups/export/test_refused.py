"""A file that is not the one that was sealed is refused; it is never read wrongly."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.types import ExportRefused
from chromadrill.backups.export.zstd_stream import zstd
from chromadrill.core.errors import Unavailable
from tests.backups.export.sample_collections import KEY, SUFFIXES, contents, info, page, write


@pytest.fixture(params=SUFFIXES)
def whole(request, tmp_path):
    path = tmp_path / f"e{request.param}"
    write(path, [(info(), [page(5), page(3, ids=["x", "y", "z"])])])
    return path


def places(data, step):
    """Every `step`th byte, and each of the first and last 200."""
    last = len(data)
    return sorted({*range(0, last, step), *range(min(200, last)), *range(max(0, last - 200), last)})


@pytest.mark.slow
def test_any_flipped_bit_is_refused(whole):
    data, truth, same = whole.read_bytes(), contents(whole), []
    for at in places(data, 7):
        for bit in (0, 5) if whole.suffix == ".parquet" else (0, 2, 5):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            whole.write_bytes(changed)
            try:
                assert contents(whole) == truth
                same.append(at)
            except ExportRefused:
                pass
    # a few bits of a zstd file mean nothing (window size, unused bits of a code table): the stream
    # in it, which the seal is about, is the same; anywhere else a flipped bit is refused
    assert not same or (whole.suffix == ".zst" and len(same) < len(data) / 20), same


def test_any_truncation_is_refused(whole):
    data = whole.read_bytes()
    for at in places(data, 11):
        whole.write_bytes(data[:at])
        with pytest.raises(ExportRefused):
            open_export(whole)


def test_anything_appended_is_refused(whole):
    data = whole.read_bytes()
    for more in (b"\n", b"x", b"\0" * 10, data):
        whole.write_bytes(data + more)
        with pytest.raises(ExportRefused):
            open_export(whole)


@pytest.mark.parametrize(
    "foreign",
    [
        b"", b"\n", b"{}", b"[]\n", b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\xffPAR1",
        b'{"head":' * 100_000, b"[" * 1_000_000 + b"\n", b'{"head":{"schema":"other/1"}}\n',
        os.urandom(10_000), b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd" + os.urandom(500),
        zstd.compress(b"x" * 1_000_000), zstd.compress(b'{"head":[]}\n'),
    ],
    ids=range(15),
)  # fmt: skip
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_foreign_file_is_refused_in_a_sentence(tmp_path, suffix, foreign):
    path = tmp_path / f"e{suffix}"
    path.write_bytes(foreign)
    with pytest.raises(ExportRefused, match=str(path)):
        open_export(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_file_is_unavailable(tmp_path, suffix):
    with pytest.raises(Unavailable, match="no such file"):
        open_export(tmp_path / f"e{suffix}")


def test_parquet_of_others_is_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "e.parquet")
    with pytest.raises(ExportRefused, match="is not a chromadrill export"):
        open_export(tmp_path / "e.parquet")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[: len(data) // 2], "ends without its seal"),
        (lambda data: data[:-1], "ends without its seal"),
        (lambda data: data.replace(b"document 1", b"document 2"), "checksum .*does not match"),
        (lambda data: data.replace(b"\n", b"\r\n"), "chromadrill export"),
        (lambda data: b"x" + data, "is not a chromadrill export"),
    ],
    ids=["cut", "cut by a byte", "altered", "reformatted", "foreign"],
)
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_sentence_says_what_is_wrong(tmp_path, suffix, change, reason):
    path = tmp_path / f"e{suffix}"
    write(path, [(info(), [page(20)])])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ExportRefused, match=reason):
        open_export(path)


def test_lost_record_lines_are_counted(tmp_path):
    path = tmp_path / "e.jsonl"
    write(path, [(info(), [page(20)])])
    lines = [line for line in path.read_bytes().splitlines(True) if b'"id":"r' not in line[:8]]
    path.write_bytes(b"".join(lines))
    with pytest.raises(ExportRefused, match="wanted 20 records, got 0"):
        open_export(path)


def test_file_changed_after_it_was_opened_is_refused(whole):
    reader = open_export(whole)
    data = bytearray(whole.read_bytes())
    if whole.suffix == ".zst":
        data = bytearray(zstd.decompress(bytes(data)))
    at = data.find(b"document 1")
    if at < 0:
        at = data.find(page(5).vectors[1].tobytes())
    data[at] ^= 1
    whole.write_bytes(zstd.compress(bytes(data)) if whole.suffix == ".zst" else data)
    with pytest.raises(ExportRefused):
        list(reader.pages(KEY))


def test_repacked_zst_is_the_same_export(tmp_path):
    path = tmp_path / "e.jsonl.zst"
    write(path, [(info(), [page(20)])])
    truth = contents(path)
    raw = zstd.decompress(path.read_bytes())
    path.write_bytes(zstd.compress(raw[:1000]) + zstd.compress(raw[1000:], 9))
    assert contents(path) == truth
