"""What comes in is bounded while it is read, and half of something is never taken for all of it."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select

from hookpoint.grading.submission import LARGEST_FILE
from hookpoint.hosting.server import auth, csrf, edges
from hookpoint.hosting.store.models import Person, Submission

CHUNK = 64 << 10
EDGE = "the-edge-of-parts"


def post(app, path: str, chunks, headers: dict[str, str]) -> tuple[int, str, int]:
    """Send chunks as a server passes them on; gives the status, the body, and how many chunks were asked for.

    A chunk None is a connection that is lost.
    """
    rest, asked, sent = iter(chunks), 0, []

    async def receive():
        nonlocal asked
        asked += 1
        chunk = next(rest, b"")
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": chunk != b""}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "server": ("test", 80),
        "client": ("test", 1), "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        "state": {}, "extensions": {},
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    return status, b"".join(message.get("body", b"") for message in sent).decode(), asked


def heard_out(path: str) -> int:
    """How many chunks of a body are taken from the network at most, most of them to be dropped at once."""
    return (1 + edges.PATIENCE) * edges.largest_body(path) // CHUNK + 3


def rows(db, table) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def of_team(client, a_team):
    """A participant with a team, as the headers of their browser and of their program."""
    browser = client("participant", team=a_team())
    program = {"authorization": f"Bearer {browser.token}", "content-type": "application/octet-stream"}
    return {"cookie": f"{auth.COOKIE}={browser.token}"}, program


def test_what_is_still_on_its_way_when_submitting_ends_is_too_late(app, clock, of_team, a_notebook):
    """Else whoever begins to send in time could go on writing what they send."""

    def slowly():
        yield a_notebook()[:100]
        clock.now += timedelta(hours=9)
        yield a_notebook()[100:]

    headers = of_team[1] | {"hookpoint-file-name": "03_attention.ipynb"}
    status, said, _ = post(app, "/api/submissions", slowly(), headers)

    assert (status, "Submitting ended" in said) == (403, True)


FORMS = ["application/x-www-form-urlencoded", f"multipart/form-data; boundary={EDGE}"]


@pytest.mark.parametrize("kind", FORMS)
def test_an_endless_form_is_cut_off(app, event, kind):
    status, page, asked = post(app, "/join", (b"x" * CHUNK for _ in count()), {"content-type": kind})

    assert status in (400, 413)
    assert asked <= heard_out("/join")


@pytest.mark.parametrize("path", ["/api/submissions", "/api/questions"])
def test_an_endless_body_of_a_program_is_cut_off_at_what_its_address_takes(app, of_team, path):
    json = {"content-type": "application/json"} if path == "/api/questions" else {}
    status, answer, asked = post(app, path, (b"x" * CHUNK for _ in count()), of_team[1] | json)

    assert (status, "larger than" in answer) == (413, True)
    assert edges.largest_body(path) // CHUNK <= asked <= heard_out(path)


def test_a_body_that_announces_too_much_is_refused_whatever_comes(db, app, of_team, a_notebook):
    headers = of_team[1] | {"content-length": str(edges.largest_body("/api/submissions") + 1)}

    status, _, _ = post(app, "/api/submissions", [a_notebook()], headers)

    assert (status, rows(db, Submission)) == (413, 0)


def test_a_submission_may_be_as_large_as_the_grader_takes_and_a_form_not():
    assert edges.largest_body("/submit") > LARGEST_FILE < edges.largest_body("/api/submissions")
    assert edges.largest_body("/join") == edges.largest_body("/submitted") == edges.LARGEST_FORM


@pytest.mark.parametrize("rest", [[], [None]], ids=["ends early", "is lost"])
def test_a_program_whose_body_ends_before_its_length_has_handed_in_nothing(db, app, of_team, a_notebook, rest):
    whole = a_notebook()
    headers = of_team[1] | {"content-length": str(len(whole)), "hookpoint-file-name": "mine.ipynb"}

    status, _, _ = post(app, "/api/submissions", [whole[: len(whole) // 2], *rest], headers)

    assert status == 400
    assert rows(db, Submission) == 0


def test_the_same_body_in_full_is_handed_in(db, app, of_team, a_notebook):
    whole = a_notebook()
    headers = of_team[1] | {"content-length": str(len(whole)), "hookpoint-file-name": "mine.ipynb"}

    status, _, _ = post(app, "/api/submissions", [whole[:100], whole[100:]], headers)

    assert (status, rows(db, Submission)) == (201, 1)


def parts(event, token: str, content: bytes) -> bytes:
    """A form with its token and a file, in parts."""
    field = f'--{EDGE}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'
    head = field.format(csrf.FIELD, "") + csrf.token_for(event.row.secret, token) + "\r\n"
    file = field.format("file", '; filename="mine.ipynb"')
    return (head + file).encode() + content + f"\r\n--{EDGE}--\r\n".encode()


def test_a_form_whose_file_has_no_end_has_handed_in_nothing(db, app, event, of_team, a_notebook):
    token = of_team[0]["cookie"].partition("=")[2]
    whole = parts(event, token, a_notebook())
    headers = of_team[0] | {"content-type": FORMS[1]}

    status, _, _ = post(app, "/submit", [whole[: -len(EDGE) - 20]], headers)

    assert (status, rows(db, Submission)) == (400, 0)


def test_nobody_joins_with_a_form_that_was_cut_off(db, app, event):
    join = b"csrf=x&code=" + event.row.join_code.encode() + b"&name=Ada&team=Ow"
    headers = {"content-type": FORMS[0], "content-length": str(len(join) + 2)}

    status, _, _ = post(app, "/join", [join], headers)

    assert (status, rows(db, Person)) == (400, 0)
