"""`chromadrill posture`: the sizes of backups are compared within one method."""

import json
import os

from chromadrill.commands.app import invoke


def test_smaller_export_after_larger_copies_is_not_called_shrunk(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "backups"
    for at, name in enumerate(["monday", "tuesday"]):
        (store / name).mkdir(parents=True)
        database = store / name / "chroma.sqlite3"
        database.write_bytes(b"x" * 100_000)
        os.utime(database, (1_700_000_000 + at, 1_700_000_000 + at))
    (store / "docs.jsonl").write_bytes(b'{"head":' + b"x" * 100)
    invoke(["posture", "--store", str(store), "--json"])
    verdicts = {v["check"]: v for v in json.loads(capsys.readouterr().out)["verdicts"]}
    assert verdicts["size"]["outcome"] == "unknown"
    assert "no export .jsonl backup before it" in verdicts["size"]["message"]
