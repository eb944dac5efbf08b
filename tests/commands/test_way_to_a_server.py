"""Names that no server can have, proxies, certificates, headers: what stands in the way is named."""

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from chromadrill.core import http
from chromadrill.core.loopback_server import LoopbackServer
from tests.front_door import enter
from tests.gateway import answer, gateway

SECRET = "hunter2-secret9"
REMOTE = ("http://chroma.invalid:8000", "https://chroma.invalid")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    http._trusting_context.cache_clear()
    yield
    http._trusting_context.cache_clear()


@pytest.fixture
def counts(capfd):
    return lambda url: enter(capfd, "counts", "--url", url, "--expected-min", "1")


@pytest.fixture
def triage(capfd):
    return lambda url: enter(capfd, "triage", "--target", url)


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a" * 300, ".a", "\x00", "xn--", "a b"])
def test_name_that_no_host_can_have_is_a_usage_error(counts, triage, host):
    for ended in (counts(f"http://{host}:8000"), triage(f"http://{host}:8000")):
        assert ended.code == 64, ended.text
        assert "is no URL of a server" in ended.err


@pytest.mark.parametrize("url", REMOTE)
def test_proxy_that_cannot_be_reached_is_named_and_not_the_server(counts, triage, monkeypatch, url):
    for variable in PROXIES:
        monkeypatch.setenv(variable, f"http://ops:{SECRET}@127.0.0.1:9")
    variable = "HTTPS_PROXY" if url.startswith("https") else "HTTP_PROXY"
    for ended in (counts(url), triage(url)):
        assert ended.code == 2, ended.text
        assert f"the proxy that {variable} names cannot be reached" in ended.text
        assert f"unset {variable}" in ended.text
        assert "restart" not in ended.text
        assert SECRET not in ended.text


@pytest.mark.parametrize("url", REMOTE)
def test_proxy_that_refuses_is_told_from_the_server_and_quotes_no_password(
    counts, triage, monkeypatch, url
):
    with gateway() as proxy:
        proxy.refuse = lambda number, path: answer(407, f"<html>{SECRET}</html>".encode())
        for variable in PROXIES:
            monkeypatch.setenv(variable, proxy.url.replace("//", f"//ops:{SECRET}@"))
        for ended in (counts(url), triage(url)):
            assert ended.code == 2, ended.text
            assert "No way to the data of" in ended.text
            assert "NO_PROXY" in ended.text
            assert SECRET not in ended.text


@pytest.mark.parametrize(
    "value", ["socks5://127.0.0.1:1", f"http://ops:{SECRET}/x@h:1", f"http://{SECRET}@[::1", "ftp://x"]
)  # fmt: skip
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "all_proxy"])
def test_variable_that_names_no_proxy_is_named_without_its_value(
    counts, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)
    ended = counts(REMOTE[0])
    assert (ended.code, variable in ended.err) == (64, True), ended.text
    assert SECRET not in ended.text


@pytest.fixture
def tls_server(tmp_path):
    """A server on this machine whose certificate nobody vouches for; it answers {} to everything."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl makes the certificate")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", "key.pem", "-out", "certificate.pem", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = LoopbackServer(Handler)
    server.handle_error = lambda *_: None  # handshakes that a client ends
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("certificate.pem", "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_certificate_that_nobody_vouches_for_is_the_way_and_not_the_service(
    counts, triage, tls_server
):
    for ended in (counts(tls_server), triage(tls_server)):
        assert ended.code == 2, ended.text
        assert "CERTIFICATE_VERIFY_FAILED" in ended.text
        assert "SSL_CERT_FILE" in ended.text
        assert "restart" not in ended.text


def test_certificate_of_the_variable_is_trusted_on_this_machine_too(
    counts, monkeypatch, tls_server
):
    monkeypatch.setenv("SSL_CERT_FILE", "certificate.pem")
    assert "is not a Chroma 1.x server" in counts(tls_server).err


def test_http_and_https_taken_for_each_other_are_said(counts, server, tls_server):
    assert "http:// URL" in counts(server.url.replace("http://", "https://")).err
    assert counts(tls_server.replace("https://", "http://")).code == 2


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "Connection", "X\\nY", "ü"]
)
def test_header_that_would_break_a_request_is_refused(counts, monkeypatch, tmp_path, name):
    monkeypatch.setenv("CHROMA_TOKEN", SECRET)
    (tmp_path / "drill.toml").write_text(
        f'[targets.box]\nkind = "remote"\nurl = "{REMOTE[0]}"\n'
        f'headers = {{"{name}" = "{{env:CHROMA_TOKEN}}"}}\n'
    )
    ended = counts(REMOTE[0])
    assert (ended.code, "[targets.box.headers]" in ended.err) == (64, True), ended.text
    assert SECRET not in ended.text
