"""Whatever is typed or sent: each is answered with less than 500, and keeps nothing that it must not."""

import contextlib
import json
import re
import time

import pytest

from hookpoint.hosting.server import csrf
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.store.database import open_database

from .conftest import Said, World, peopled
from .test_roles import API, FORMS, ask, filled, filler, first, table

__all__ = ["filled"]
BOMB = (
    "a\x00b\u202e\x1b[2J\r\nSet-Cookie: x=y\u2028{{7*7}}%n<script>boom()</script>"
    + "e\u0301\u0301\u0301\u0301\u0301\u0301"
)
NASTY = {"everything": BOMB, "a number without end": "9" * 400, "nothing": "", "blanks": " \t\u00a0\u3000"}
ODD_IDS = (
    "9" * 25,
    str(2**63),
    str(2**31),
    "-1",
    "0",
    "%00",
    "1%00",
    "..%2f..%2fetc",
    "%0d%0aX-Y:%20z",
    "१",
    "1e3",
    "%ff",
)


# Fields, and numbers in addresses


@pytest.fixture
def in_postgres(postgres, master, settings_text, NOON, small):
    """The same world in PostgreSQL, which takes other text and other numbers than SQLite."""
    one = World.__new__(World)
    with contextlib.closing(open_database(postgres.make(template=master))) as one.db:
        with one.db.session() as session:
            vars(one).update(peopled(session, settings_text, NOON, Said(small)))
        one.app = create_app(one.db, clock=lambda: NOON)
        yield one


def test_no_field_breaks_the_server_with_postgresql_either(in_postgres):
    test_no_field_of_any_form_breaks_the_server(in_postgres, filler(in_postgres), "everything")
    test_no_field_of_the_api_breaks_the_server(in_postgres, filler(in_postgres), "everything")


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


VALUES = (
    '"\\ud800"',
    '"\\u0000"',
    "1e999",
    "NaN",
    "-0",
    "9" * 5000,
    "null",
    "[]",
    "{}",
    "true",
    "[" * 100_000,
    '{"a":' * 90_000,
)


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


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "raw_unicode_escape", "utf-7", "utf-16", "punycode", "hex", "x" * 999]
)
def test_a_form_in_another_alphabet_is_no_way_to_letters_that_are_none(world, charset):
    """`unicode_escape` would make half a surrogate of plain letters, which no answer could be written with."""
    form = {csrf.FIELD: csrf.token_for(world.secret, world.tokens["ada"]), "name": "\\ud800 +2AA-", "x\\ud800": "1"}
    body = "".join(
        f'--e\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in form.items()
    )
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
    "no end": parts(1)[:-7], "no parts": b"--e--\r\n", "only edges": b"--e\r\n" * 100_000,
    "line ends": b"\r\n" * 400_000,
    "almost edges": b"--e\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\n" + b"\r\n--" * 200_000,
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_form_that_is_a_bomb_is_refused_at_once_and_keeps_nothing(world, bomb):
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
