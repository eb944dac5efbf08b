"""One embedding service for the tests of this folder, as new for each."""

import pytest

from tests.embedding.servers import KEY, EmbeddingService


@pytest.fixture(scope="session")
def one_service():
    service = EmbeddingService()
    yield service
    service.close()


@pytest.fixture
def service(one_service, monkeypatch):
    """Its key is in the variable that the configurations name."""
    one_service.reset()
    monkeypatch.setenv("EMBEDDING_DOOR", KEY)
    return one_service
