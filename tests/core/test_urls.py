"""Spellings of servers: what is the same, what is on this machine, and what never counts as that."""

import pytest

from chromadrill.core.urls import is_loopback, origin, plain_url, same_server, server_key

SPELLINGS_OF_THIS_MACHINE = (
    "localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "chroma.localhost",
    "ip6-localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "x:y@localhost",
)  # fmt: skip


@pytest.mark.parametrize("host", [*SPELLINGS_OF_THIS_MACHINE, "0", "0.0.0.0", "[::]", "127.9.9.9"])  # noqa: S104
def test_every_address_of_this_machine_is_one_server(host):
    assert origin(f"http://{host}:9000/x") == "127.0.0.1:9000"
    assert same_server(f"https://{host}", "http://127.0.0.1:80")


@pytest.mark.parametrize("host", SPELLINGS_OF_THIS_MACHINE)
def test_every_spelling_of_a_url_has_one_plain_form(host):
    assert plain_url(f" http://{host}:80/x/ ") == plain_url("http://127.0.0.1/x")


@pytest.mark.parametrize(
    "url",
    ["http://127.9.9.9/x", "http://0.0.0.0/x", "https://127.0.0.1/x", "http://127.0.0.1/y",
     "http://127.0.0.1:81/x", "http://localhost.example/x"],
)  # fmt: skip
def test_plain_form_keeps_what_may_be_another_server(url):
    assert plain_url(url) != plain_url("http://127.0.0.1/x")


@pytest.mark.parametrize(
    "text", ["staging", "module:Class", "http://[", "http://h:99999", "ftp://h"]
)
def test_what_is_no_url_of_a_server_stays_as_it_is(text):
    assert plain_url(text) == text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1"])
def test_loopback_addresses_lead_to_this_machine_alone(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "0", "127.1", "2130706433", "localhost.", "chroma.localhost",  # noqa: S104
     "ip6-localhost", "localhost.example", "127.0.0.1.example", "localhost,db.example", "10.0.0.1"],
)  # fmt: skip
def test_what_may_mean_something_else_to_whoever_connects_is_no_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "path",
    ["/prod/", "/PROD", "//prod", "/./prod", "/x/../prod", "/%70rod", "/%2570rod", "/prod;v=1",
     "/prod%2F", "/\\prod", "/prod%20"],
)  # fmt: skip
def test_no_way_of_writing_a_path_makes_another_server(path):
    url = f"https://h:80{path}"
    assert same_server(url, "http://h/prod")
    assert server_key(url) == server_key("http://h/prod")


@pytest.mark.parametrize("one", ["/staging", "/prod2", "/x/prod", "/pro"])
def test_servers_behind_one_host_are_told_apart_by_their_paths(one):
    assert not same_server(f"http://h{one}", "http://h/prod")
    assert server_key(f"http://h{one}") != server_key("http://h/prod")


@pytest.mark.parametrize("other", ["", "/", "/prod/below"])
def test_whole_host_and_what_lies_below_a_path_may_be_that_server(other):
    """A gateway may serve them by one: rather refused too often than production damaged."""
    assert same_server(f"http://h{other}", "http://h/prod")
