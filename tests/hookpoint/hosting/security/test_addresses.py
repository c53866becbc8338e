"""Addresses, hosts and methods as no page of ours has them; and what is written down of them."""

import logging
import re

import pytest

from hookpoint.hosting import serve

# Tokens in addresses


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "hookpoint", "bearer", "api_key", "key"])
def test_a_token_in_an_address_opens_nothing(world, name):
    token = world.tokens["host"]
    for path in ("/host", "/team", "/api/me", "/judge"):
        assert world.browser().get(path, params={name: token}).status_code == 401
    assert world.browser().get("/sign-in", params={name: token}).text.count(token) == 0


def test_what_is_logged_holds_no_token_and_no_line_of_a_strangers_making(world, caplog, monkeypatch):
    """Not when everything breaks, whatever stands in the address: lines are one's own, and a terminal does not obey."""
    visitor, token = world.browser(), world.tokens["host"]
    monkeypatch.setattr(world.app.state.database, "reading", lambda: 1 / 0)
    for path in (f"/j/%0d%0a2026-05-04 ERROR forged%1b[2J%e2%80%a8{token}", f"/board?token={token}"):
        assert visitor.get(path).status_code == 500
    written = serve.WithoutSecrets("%(levelname)s %(message)s")
    assert all(record.getMessage().isprintable() for record in caplog.records)  # whoever else writes it down
    lines = "".join(f"{written.format(record)}\n" for record in caplog.records if record.levelno >= logging.INFO)

    assert "/j/" in lines and "ZeroDivisionError" in lines
    assert token not in lines
    assert not re.search("^2026-05-04 ERROR forged", lines, re.MULTILINE)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", lines)

    logging.getLogger("hookpoint").error("\x1b[2J \u2028 %s", token)  # wherever it comes from
    assert written.format(caplog.records[-1]) == "ERROR \\x1b[2J \\u2028 (secret)"


# Other hosts, other methods, other places

HOSTS = (
    "evil.example",
    "[bad",
    "a:99999",
    "x" * 5000,
    "a b",
    "<script>boom()</script>",
    "é",
    "a@b",
    "//evil",
    "127.0.0.1:1",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_header_breaks_nothing_and_sends_nobody_elsewhere(world, host):
    headers = {"Host": host.encode("latin-1")}
    for who, path in (("nobody", "/board"), ("ada", "/team"), ("ada", "/team/"), ("host", "/host/teams")):
        answer = world.browser(who).get(path, headers=headers)
        assert answer.status_code < 500 and "<script>boom()" not in answer.text, path
    to = world.browser("ada").send("/team/rename", name="Renamed").headers["location"]
    assert to == "/team"


LEADS = (
    "//evil.example", "//evil.example/", "/\\evil.example/", "/%5cevil.example/", "/%2f/evil.example/",
    "/board//evil.example/", "/team/?next=//evil.example", "/sign-in?next=http://evil.example",
)  # fmt: skip


@pytest.mark.parametrize("path", LEADS)
def test_no_address_of_ours_leads_to_another_host(world, path):
    for who in ("nobody", "ada"):
        to = world.browser(who).request("GET", f"http://testserver{path}").headers.get("location", "/")
        assert re.match(r"(http://testserver)?/(?![/\\])", to)


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_a_get_stays_a_get(world, name):
    before = world.rows()
    for method in ("POST", "DELETE", "PUT"):
        world.browser("host").get("/host/people", headers={name: method}, params={name: method, "name": "Jo"})
        world.browser("ada").post("/team/leave", headers={name: method}, data={name: method})

    assert world.rows() == before
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "PROPFIND"):
        assert world.browser("host").request(method, "/host").status_code == 405


CLIMBS = (
    "../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..%5capp.py", "....//app.py", "%252e%252e/app.py",
    "/etc/passwd", "%2fetc%2fpasswd", "site.css/../../app.py", "site.css%00.js", "C:%5cWindows", ".git",
    "%c0%ae%c0%ae/app.py",
)  # fmt: skip


@pytest.mark.parametrize("path", CLIMBS)
def test_nothing_beside_the_static_files_is_served(world, path):
    answer = world.browser().get(f"http://testserver/static/{path}")

    assert answer.status_code == 404 and "create_app" not in answer.text and "root:" not in answer.text
