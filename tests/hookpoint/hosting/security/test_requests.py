"""Requests as no page of ours sends them: each is answered with less than 500, and says or does nothing it must not."""

import json
import logging
import re

import pytest
from sqlalchemy import func, select

from hookpoint.hosting import serve, tables
from hookpoint.hosting.server import auth, csrf
from hookpoint.hosting.store.models import Person, Submission, Team

from .conftest import WHO
from .test_roles import API, FORMS, PAGES, ask, filled, table

__all__ = ["filled"]
BOMB = "a\x00b\u202e\x1b[2J\r\nSet-Cookie: x=y\u2028{{7*7}}%n<script>boom()</script>" + "e\u0301\u0301\u0301\u0301\u0301\u0301"
NASTY = {"everything": BOMB, "a number without end": "9" * 400, "nothing": "", "blanks": " \t\u00a0\u3000"}
ODD_IDS = ("9" * 25, str(2**63), str(2**31), "-1", "0", "%00", "1%00", "..%2f..%2fetc", "%0d%0aX-Y:%20z", "१", "1e3", "%ff")


def first(allowed: str) -> str:
    return allowed.split()[-1]


# Whatever is typed


@pytest.mark.parametrize("kind", NASTY)
def test_no_field_of_any_form_breaks_the_server(world, filled, kind):
    for path, (allowed, fields) in FORMS.items():
        for field in fields:
            answer = ask(world, filled, first(allowed), "POST", path, fields | {field: NASTY[kind]})
            assert answer.status_code < 500, (path, field)
            assert "x-y" not in answer.headers and "x=y" not in str(answer.headers.get_list("set-cookie")), path


@pytest.mark.parametrize("kind", NASTY)
def test_no_field_of_the_api_breaks_the_server(world, filled, kind):
    for line, (allowed, fields) in API.items():
        for field in fields if isinstance(fields, dict) else ():
            answer = ask(world, filled, first(allowed), *line.split(), fields | {field: NASTY[kind]})
            assert answer.status_code < 500, (line, field)


VALUES = ('"\\ud800"', '"\\u0000"', "1e999", "NaN", "-0", "9" * 5000, "null", "[]", "{}", "true", "[" * 100_000, '{"a":' * 90_000)


@pytest.mark.parametrize("line", sorted(line for line in API if line.startswith("POST")))
def test_no_json_breaks_the_server(world, filled, line):
    allowed, fields = API[line]
    names = [*(fields if isinstance(fields, dict) else ()), *({"about", "token"} if "join" in line else {"place"})]
    for name in names:
        for value in VALUES:
            body = json.dumps({one: "a" for one in names if one != name})[:-1] + f', "{name}": {value}}}'
            answer = world.program(first(allowed)).post(
                filled(line.split()[1]), content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code < 500, (name, value[:20])
            assert answer.json().keys() & {"error", "submission", "question", "unread"} or answer.status_code < 300


def test_of_a_key_that_comes_twice_the_last_holds_and_who_asks_is_no_key(world):
    """What stands before the server may read the first: nobody must be let in, or be somebody, by a body."""
    body = '{"text": "first", "text": "second", "person": 1, "person_id": 1, "id": 1, "role": "host"}'
    asked = world.program("eve").post("/api/questions", content=body, headers={"Content-Type": "application/json"})

    mine = world.program("eve").get("/api/questions").json()["mine"]
    assert asked.status_code == 201 and [one["text"] for one in mine] == ["second"]


@pytest.mark.parametrize("odd", ODD_IDS)
def test_no_number_in_an_address_breaks_the_server(world, filled, odd):
    for line, (allowed, content) in table().items():
        method, path = line.split()
        if "{" in path:
            path = re.sub(r"\{\w+\}", odd, path)
            fields = content if isinstance(content, dict) else {}
            answer = ask(world, str, first(allowed), method, path, fields)
            assert answer.status_code < 500, path
            assert "x-y" not in answer.headers


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "utf-7", "utf-16", "punycode", "hex", "x" * 999])
def test_a_form_in_another_alphabet_is_no_way_to_letters_that_are_none(world, charset):
    """`unicode_escape` would make half a surrogate of plain letters, which no answer could be written with."""
    form = {csrf.FIELD: csrf.token_for(world.secret, world.tokens["ada"]), "name": "\\ud800 +2AA-", "x\\ud800": "1"}
    body = "".join(f'--e\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in form.items())
    headers = {"Content-Type": f"multipart/form-data; boundary=e; charset={charset}"}

    assert world.browser("ada").post("/team/rename", content=body + "--e--\r\n", headers=headers).status_code < 500
    body = body.replace(form[csrf.FIELD], "\\udfff")
    assert world.browser("ada").post("/team/rename", content=body + "--e--\r\n", headers=headers).status_code < 500


# Bombs


def parts(count: int, head: str = "", body: str = "x", file: bool = False) -> bytes:
    name = '; filename="a"' if file else ""
    one = f'--e\r\nContent-Disposition: form-data; name="a"{name}\r\n{head}\r\n{body}\r\n'
    return (one * count + "--e--\r\n").encode()


NESTED = parts(1, "Content-Type: multipart/mixed; boundary=f\r\n", "--f\r\nContent-Disposition: file\r\n\r\nx\r\n--f--")
BOMBS = {
    "10,000 parts": parts(10_000), "10,000 files": parts(10_000, file=True), "600 files": parts(600, file=True),
    "a huge header": parts(1, f"X: {'y' * 900_000}\r\n"), "100,000 headers": parts(1, "X: y\r\n" * 100_000),
    "a long name": parts(1).replace(b'"a"', b'"' + b"a" * 900_000 + b'"'), "nested": NESTED * 100,
    "no end": parts(1)[:-7], "no parts": b"--e--\r\n", "only edges": b"--e\r\n" * 100_000, "line ends": b"\r\n" * 400_000,
    "almost edges": b"--e\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\n" + b"\r\n--" * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_form_that_is_a_bomb_is_refused_at_once_and_keeps_nothing(world, bomb):
    import time

    before, began = world.rows(), time.thread_time()
    for path in ("/join", "/submit"):
        headers = {"Content-Type": "multipart/form-data; boundary=e"}
        assert world.browser("ada").post(path, content=BOMBS[bomb], headers=headers).status_code in (400, 403, 413)
    assert world.rows() == before
    assert time.thread_time() - began < 5


def test_a_form_of_too_many_fields_is_refused_before_they_are_looked_at(world):
    form = "&".join(f"f{number}=1" for number in range(10_000))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert world.browser("ada").post("/team/rename", content=form, headers=headers).status_code == 400


def test_a_notebook_that_nests_without_end_or_has_keys_twice_is_refused_or_read_once(world, small):
    named = {"Hookpoint-File-Name": "a.ipynb"}
    for content in (b"[" * 200_000, b'{"a":' * 200_000, b'{"cells": ' + b"[" * 900_000, b"9" * 6000, b"NaN"):
        assert world.program("eve").post("/api/submissions", content=content, headers=named).status_code == 400


# Forms of other sites


def test_a_form_wants_the_token_of_the_very_browser_that_sends_it(world, filled):
    """None, an empty one, another person's, a visitor's, the event's secret; and the bearer is no cookie."""
    ada, visitor = world.browser("ada"), world.browser()
    taken = csrf.token_for(world.secret, world.tokens["eve"])
    wrong = ({}, {"csrf": ""}, {"csrf": taken}, {"csrf": csrf.token_for(world.secret, "")}, {"csrf": world.secret},
             {"csrf": csrf.token_for(world.secret, "0123456789abcdef" * 2)})  # fmt: skip
    before = world.rows()

    for form in wrong:
        assert ada.post("/team/rename", data={"name": "Stolen", **form}).status_code == 403
        in_address = ada.post("/team/rename", params=form, data={"name": "Stolen"})
        assert in_address.status_code == 403
    with_bearer = visitor.post("/team/rename", data={"name": "Stolen"}, headers=world.program("ada").headers)
    own = csrf.token_for(world.secret, "0123456789abcdef" * 2)
    both = visitor.post("/team/rename", data={"name": "Stolen", "csrf": own}, headers=world.program("ada").headers)
    assert (with_bearer.status_code, both.status_code) == (403, 401)
    assert world.rows() == before


def test_a_cookie_that_somebody_else_put_there_is_worth_nothing_after_joining(world):
    """Fixation: who chose the visitor's cookie knows its forms' token, but not that of whoever then joins."""
    planted = "feedfeedfeedfeed" * 2
    known = csrf.token_for(world.secret, planted)
    victim = world.browser()
    victim.cookies.clear()
    victim.cookies.set(csrf.FORM_COOKIE, planted)
    joined = victim.post(
        "/join", data={"csrf": known, "code": world.join_code, "name": "Vic", "team": "Victims", "how": "new"}
    )

    assert joined.status_code == 303 and victim.get("/team").status_code == 200
    assert victim.post("/team/rename", data={"csrf": known, "name": "Stolen"}).status_code == 403
    given = victim.cookies.get(auth.COOKIE)
    assert given != planted and csrf.token_for(world.secret, given) != known


@pytest.mark.parametrize("planted", ["", "x", "feed", "Z" * 32, "f" * 33, "../../etc", "f" * 4000, "%0d%0a"])
def test_a_visitors_cookie_that_is_none_of_ours_is_replaced(world, planted):
    visitor = world.browser()
    visitor.cookies.clear()
    set_cookie = visitor.get("/join", headers={"Cookie": f"{csrf.FORM_COOKIE}={planted}"}).headers["set-cookie"]

    assert re.match(rf"{csrf.FORM_COOKIE}=[0-9a-f]{{32}}; ", set_cookie)


def cookies_of(answer) -> dict[str, set[str]]:
    found = (line.split("; ") for line in answer.headers.get_list("set-cookie"))
    return {first.partition("=")[0]: {one.lower() for one in rest} for first, *rest in found}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_cookie_is_kept_from_scripts_and_from_other_sites(world, filled, scheme):
    """On joining, signing in, a new token, a first form, and what is said once; `Secure` wherever there is TLS."""
    seen = {}
    for who, path in (("nobody", "/join"), ("nobody", "/sign-in"), ("ada", "/team/rename"), ("ada", "/team/token")):
        browser = world.browser(who)
        browser.base_url = f"{scheme}://testserver"
        fields = {name: filled(text) for name, text in FORMS[path][1].items()}
        seen |= cookies_of(browser.send(path, **fields))
    stranger = world.browser()
    stranger.cookies.clear()
    stranger.base_url = f"{scheme}://testserver"
    seen |= cookies_of(stranger.get("/join"))

    assert seen.keys() == {auth.COOKIE, csrf.FORM_COOKIE, "hookpoint_fresh", "hookpoint_said"}
    for name, flags in seen.items():
        assert "httponly" in flags and flags & {"samesite=lax", "samesite=strict"}, name
        assert not any(flag.startswith("domain") for flag in flags), name
    assert all("secure" in seen[name] for name in (auth.COOKIE, csrf.FORM_COOKIE)) == (scheme == "https")


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
    lines = "".join(f"{written.format(record)}\n" for record in caplog.records if record.levelno >= logging.INFO)

    assert "/j/" in lines and "ZeroDivisionError" in lines
    assert token not in lines
    assert not re.search("^2026-05-04 ERROR forged", lines, re.MULTILINE)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", lines)

    logging.getLogger("hookpoint").error("\x1b[2J \u2028 %s", token)  # wherever it comes from
    assert written.format(caplog.records[-1]) == "ERROR \\x1b[2J \\u2028 (secret)"


# Other hosts, other methods, other places

HOSTS = ("evil.example", "[bad", "a:99999", "x" * 5000, "a b", "<script>boom()</script>", "é", "a@b", "//evil", "127.0.0.1:1")


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_header_breaks_nothing_and_sends_nobody_elsewhere(world, host):
    headers = {"Host": host.encode("latin-1")}
    for who, path in (("nobody", "/board"), ("ada", "/team"), ("ada", "/team/"), ("host", "/host/teams")):
        answer = world.browser(who).get(path, headers=headers)
        assert answer.status_code < 500 and "<script>boom()" not in answer.text, path
    to = world.browser("ada").send("/team/rename", name="Renamed").headers["location"]
    assert to == "/team"


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/", "/\\evil.example/", "/%5cevil.example/", "/%2f/evil.example/",
                                  "/board//evil.example/", "/team/?next=//evil.example", "/sign-in?next=http://evil.example"])  # fmt: skip
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


CLIMBS = ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "%2e%2e%2fapp.py", "..%5capp.py", "....//app.py", "%252e%252e/app.py",
          "/etc/passwd", "%2fetc%2fpasswd", "site.css/../../app.py", "site.css%00.js", "C:%5cWindows", ".git", "%c0%ae%c0%ae/app.py")  # fmt: skip


@pytest.mark.parametrize("path", CLIMBS)
def test_nothing_beside_the_static_files_is_served(world, path):
    answer = world.browser().get(f"http://testserver/static/{path}")

    assert answer.status_code == 404 and "create_app" not in answer.text and "root:" not in answer.text


def test_no_page_may_stand_in_a_frame_or_run_what_is_not_ours(world, filled):
    for path, allowed in PAGES.items():
        headers = world.browser(first(allowed)).get(filled(path)).headers
        rules = dict(one.strip().split(" ", 1) for one in headers["content-security-policy"].split(";"))
        assert rules["frame-ancestors"] == "'none'" and rules["default-src"] == "'none'", path
        assert rules["script-src"] == rules["style-src"] == "'self'" and "unsafe" not in str(rules), path
        assert "access-control-allow-origin" not in headers


# Names


@pytest.mark.parametrize("name", ["x\r\nSet-Cookie: a=b", "x\x00y", "\u202eslwO", "\u2066x", "Z" + "\u0301" * 200, "\ud800", "a" * 500,
                                  "\u200b", "..", "../../x", "=1+1", "Owls ", "оwls", "\U000e0041", "\ufeff"])  # fmt: skip
def test_whatever_name_somebody_chooses_is_kept_plain_or_refused(world, name):
    body = json.dumps({"code": world.join_code, "name": name, "team": name})

    world.program("nobody").post("/api/join", content=body, headers={"Content-Type": "application/json"})

    with world.db.reading() as session:
        names = {*session.scalars(select(Person.name)), *session.scalars(select(Team.name))}
        assert session.scalar(select(func.count()).where(Team.folded == "owls")) == 1
    for one in names:
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]", one)
        assert len(one) <= 40 and not re.search("\u0301{5}", one)


FILES = ("../../etc/passwd.md", "..\\..\\x.md", "a\r\nX-Y: z.md", "\u202edm.exe.md", "a\x00.md", "C:\\x.md", "=cmd|' /C calc'!A0.md",
         "/etc/passwd.md", "e\u0301" * 500 + ".md", "<script>boom()</script>.md", 'a".md', "~/.ssh/x.md", "-rf.md", "\x1b[2J.md")  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_name_of_a_file_is_one_plain_line_and_no_path(world, name):
    from urllib.parse import quote

    headers = {"Hookpoint-File-Name": quote(name), "Hookpoint-Kind": "writeup"}
    sent = world.program("eve").post("/api/submissions", content=b"# One more\n", headers=headers)
    page = world.browser("eve").get(f"/team/submissions/{sent.json()['submission']}")

    with world.db.reading() as session:
        kept = session.get(Submission, sent.json()["submission"]).file_name
    assert sent.status_code == 201 and page.status_code == 200 and "x-y" not in page.headers
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e/\\\\]", kept) and len(kept) <= 120
    assert "<script>boom" not in page.text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\t=", " ="])
def test_no_cell_of_an_export_is_a_formula(world, start):
    """Names of teams and people, and what hosts wrote of them."""
    name = f"{start}HYPERLINK(1)"
    world.browser().send("/join", code=world.join_code, name=name, team=name, how="new")
    host = world.browser("host")
    host.send("/host/announce", text=name, audience="everyone")
    for number in range(1, 10):
        host.send(f"/host/teams/{number}/disqualify", confirm=name.strip(), reason=name)
    with world.db.reading() as session:
        from hookpoint.hosting import event

        found = [one.name for one in tables.private_tables(session, event.current(session, world.app.state.clock()))]
    exported = "\n".join(host.get(f"/host/export/{one}.csv").text for one in [*found, "board_public"])

    import csv

    cells = [cell for row in csv.reader(exported.splitlines()) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@", "\uff1d")) or re.match(r"\s*-\D", cell)]


_ = WHO
