"""The methods of a backup are told apart by what they can do, not by their names."""

import pytest

from chromadrill.backups import registry
from chromadrill.backups.export import backup_method as export
from chromadrill.core.model import Backup


def backup_of(method):
    return Backup("one", "/nowhere", method, "2026-01-31T02:00:00Z", 1)


def test_export_is_the_method_that_works_via_the_api():
    assert registry.api_method("export") is export
    assert registry.is_via_api(backup_of("export"))


@pytest.mark.parametrize("method", ["volume-copy", "volume copy", "platform snapshot", "command"])
def test_copy_of_a_volume_or_a_snapshot_of_the_platform_is_not_put_back_via_the_api(method):
    assert registry.api_method(method) is None
    assert not registry.is_via_api(backup_of(method))


def test_method_of_ones_own_is_known_by_its_function(monkeypatch):
    class Own:
        METHOD = "own"

        def take(self, target, into, *, name=None, scopes):
            raise NotImplementedError

        def put_back(self, backup, target):
            raise NotImplementedError

        def put_back_via_api(self, backup, target):
            raise NotImplementedError

    own = Own()
    monkeypatch.setitem(registry.METHODS, "own", own)
    assert registry.api_method("own") is own
