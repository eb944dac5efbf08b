"""One rule for every HTTP client: loopback knows no proxy, a bad variable is named."""

import ssl
import subprocess
import sys

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromadrill.core.errors import UsageError
from chromadrill.core.http import _trusting_context, http_client
from chromadrill.core.urls import without_password

HERE = ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "http://127.1:8000"]


def proxies(client: httpx.Client) -> int:
    """How many ways through a proxy the client has."""
    return sum(transport is not None for transport in client._mounts.values())


@pytest.fixture(autouse=True)
def forget_certificates():
    _trusting_context.cache_clear()
    yield
    _trusting_context.cache_clear()


@pytest.mark.parametrize("url", HERE)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_loopback_never_listens_to_the_proxy_variables(monkeypatch, url, variable):
    monkeypatch.setenv(variable, "nonsense://?")
    assert proxies(http_client(url, timeout_s=1)) == 0


def test_server_elsewhere_is_reached_through_the_proxy_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert proxies(http_client("http://chroma.example.com", timeout_s=1)) == 1


@pytest.mark.parametrize("value", ["nonsense://proxy", "socks5://127.0.0.1:1"])
def test_proxy_that_cannot_be_used_is_named_by_its_variable(monkeypatch, value):
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(UsageError, match="ALL_PROXY"):
        http_client("http://chroma.example.com", timeout_s=1)


def test_missing_certificate_file_is_named_where_https_is_spoken_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    http_client("http://127.0.0.1:1", timeout_s=1)
    with pytest.raises(UsageError, match=r"SSL_CERT_FILE=/nowhere\.pem"):
        http_client("https://chroma.example.com", timeout_s=1)


def test_clients_of_http_addresses_read_no_certificates():
    code = (
        "import ssl\n"
        "def refuse(*_, **__): raise AssertionError('certificates were read')\n"
        "ssl.create_default_context = ssl.SSLContext.load_verify_locations = refuse\n"
        "from chromadrill.core.http import http_client\n"
        "http_client('http://127.0.0.1:1', timeout_s=1)\n"
        "http_client('http://chroma.example.com', timeout_s=1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_https_verifies_by_one_shared_context():
    one, other = _trusting_context(), _trusting_context()
    assert one is other
    assert one.verify_mode is ssl.CERT_REQUIRED


@settings(max_examples=200)
@given(st.text(st.characters(codec="ascii", exclude_characters="@"), min_size=1))
def test_no_password_of_any_spelling_is_shown(password):
    secret = f"canary{password}canary"
    url = f"http://ops:{secret}@127.0.0.1:1"
    assert "canary" not in without_password(url)
    assert "canary" not in error_of(url)


def error_of(url: str) -> str:
    """What making a client says of a URL; "" where it is one."""
    try:
        http_client(url, timeout_s=1)
    except UsageError as error:
        return str(error)
    return ""


def test_part_of_a_password_of_any_service_is_never_quoted():
    """A webhook or an endpoint: its URL is parsed at the first request, and the error would quote it."""
    with pytest.raises(UsageError, match=r"^http://127.0.0.1:1/hook is no URL") as refused:
        http_client("http://ops:secret/x@127.0.0.1:1/hook", timeout_s=1)
    assert refused.value.__cause__ is None
