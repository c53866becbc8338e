"""What holds for every page of the server, whoever wrote it: headers, forms that only we can send, errors, markup."""

import re
from html.parser import HTMLParser

import pytest
from fastapi import APIRouter

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.errors import NotAllowed, NotFound, NotSignedIn, TooOften
from hookpoint.hosting.server import pages

ROLES = ("", "participant", "judge", "mentor", "host")
STARTED = {"joining", "submitting", "judging", "board"}
LARGEST_PAGE = 60_000  # bytes


def endpoints(app) -> set[tuple[str, str]]:
    """All (method, path) that the app answers, in included routers too; static files aside."""
    found = set()
    for route in app.routes:
        each = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        found |= {(method, one.path) for one in each for method in getattr(one, "methods", None) or ()}
    return found


def filled(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "1", path)


@pytest.fixture
def every_page(app):
    """The paths of all pages that need nothing filled in, and open no endless stream."""
    return sorted(path for method, path in endpoints(app) if method == "GET" and "{" not in path and path != "/stream")


# Forms


def test_every_form_is_refused_without_the_token_of_this_browser(app, client):
    """Fails when somebody adds a POST route outside of the routers that are checked."""
    forms = sorted(path for method, path in endpoints(app) if method == "POST" and not path.startswith("/api/"))
    assert "/join" in forms and len(forms) > 10

    for role, form in (("", {}), ("host", {}), ("host", {"csrf": "0" * 64})):
        browser = client(role)
        for path in forms:
            answer = browser.post(filled(path), data=form)
            assert answer.status_code == 403 and "from an older page" in answer.text, (role, path)


def test_the_token_of_one_person_is_no_use_to_another(client):
    one, other = client("participant"), client("participant")
    stolen = re.search(r'name="csrf" value="(\w+)"', one.get("/sign-in").text)[1]

    assert other.post("/sign-in", data={"csrf": stolen, "token": ""}).status_code == 403
    assert one.post("/sign-in", data={"csrf": stolen, "token": ""}).status_code == 400  # that is: it came through


def test_the_token_on_a_visitors_first_page_is_taken(app, client):
    browser = client()
    browser.cookies.clear()
    token = re.search(r'name="csrf" value="(\w+)"', browser.get("/join").text)[1]

    assert "from an older page" not in browser.post("/join", data={"csrf": token}).text


def test_nothing_but_get_and_post_is_answered(app):
    assert {method for method, _ in endpoints(app)} <= {"GET", "HEAD", "POST"}


def test_no_program_is_let_in_by_a_cookie(app, client):
    """Fails when an API route takes the cookie: then a form of any other site could use it."""
    public = {("GET", "/api/event"), ("POST", "/api/join")}
    private = sorted(one for one in endpoints(app) if one[1].startswith("/api/") and one not in public)
    assert len(private) > 5

    host = client("host")
    for method, path in private:
        assert host.request(method, filled(path), json={}).status_code == 401, path


# Headers

WANTED = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_has_the_headers_that_keep_browsers_safe(client, every_page, role):
    browser = client(role)
    for path in [*every_page, "/nothing", "/static/site.css", "/static/nothing"]:
        headers = browser.get(path).headers
        assert {name: headers[name] for name in WANTED} == WANTED, path
        if not path.startswith(("/static/", "/api/event")):
            assert headers["cache-control"] == "no-store", path


def test_an_answer_to_a_defect_of_ours_has_them_too(app, client):
    broken = APIRouter()
    broken.get("/broken")(lambda: 1 / 0)
    app.include_router(broken)
    browser = client()
    browser._transport.raise_server_exceptions = False

    answer = browser.get("/broken")

    assert answer.status_code == 500 and "Something broke on our side" in answer.text
    assert {name: answer.headers[name] for name in WANTED} == WANTED
    assert "division" not in answer.text


def test_files_that_carry_their_version_are_kept_and_others_asked_for(client):
    browser = client()
    versioned = re.search(r"/static/site\.css\?v=\w+", browser.get("/board").text)[0]

    assert "immutable" in browser.get(versioned).headers["cache-control"]
    assert browser.get("/static/site.js").headers["cache-control"] == "no-cache"


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms(client):
    browser, token = client(), client("participant").token

    given = browser.send("/sign-in", token=token).headers["set-cookie"].lower()

    assert "httponly" in given and "samesite=lax" in given


# Errors


@pytest.fixture
def failing(app):
    """`failing(error)`: an address whose page and whose API raise it."""

    def make(error: Exception) -> str:
        def fail():
            raise error

        router = APIRouter()
        router.get("/failing")(fail)
        router.get("/api/failing")(fail)
        app.include_router(router)
        return "/failing"

    return make


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("A name is missing. Type one."), 400), (NotSignedIn(), 401), (NotAllowed("Not now. Later."), 403),
        (NotFound("No such thing. Look again."), 404), (TooOften("Too often. Wait.", 7), 429),
        (HookpointError("The disk is full. Make room."), 503),
    ],
)  # fmt: skip
def test_each_error_has_its_status_as_a_page_and_for_programs(client, failing, error, status):
    path, browser = failing(error), client()

    page, program = browser.get(path), browser.get("/api" + path)

    assert (page.status_code, program.status_code) == (status, status)
    assert str(error).partition(". ")[0] in page.text.replace("&#39;", "'")
    what, _, then = str(error).partition(". ")
    assert program.json() == {"error": what + ".", "next": then}
    assert page.headers.get("retry-after") == ("7" if status == 429 else None)


def test_what_is_said_of_an_error_is_escaped(client, failing):
    page = client().get(failing(UsageError("<b>No</b> such team. Type it again."))).text

    assert "&lt;b&gt;No&lt;/b&gt;" in page and "<b>No" not in page


def test_what_was_typed_is_given_back_when_a_form_is_refused(client):
    page = client("participant").post("/team/rename", data={"name": "<i>Owls & Bees"})

    assert page.status_code == 403
    assert "&lt;i&gt;Owls &amp; Bees" in page.text


def test_an_unknown_address_says_so_to_people_and_to_programs(client):
    page, program = client().get("/nothing"), client().get("/api/nothing")

    assert (page.status_code, program.status_code) == (404, 404)
    assert "There is no such page" in page.text
    assert set(program.json()) == {"error", "next"}


def test_without_an_event_a_page_says_how_to_make_one(db, clock):
    from starlette.testclient import TestClient

    from hookpoint.hosting.server.app import create_app

    answer = TestClient(create_app(db, clock=lambda: clock.now)).get("/board")

    assert (answer.status_code, "hookpoint host init" in answer.text) == (404, True)


@pytest.mark.parametrize("path", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", ""])
def test_after_a_form_a_browser_is_sent_to_pages_of_ours_alone(path):
    with pytest.raises(ValueError):
        pages.back_to(path)


def test_what_a_form_did_is_said_once_on_the_next_page(app, client):
    router = APIRouter()
    router.get("/done")(lambda: pages.back_to("/join", "Saved <b>ünder</b>."))
    app.include_router(router)
    browser = client()
    browser.get("/done")

    assert "Saved &lt;b&gt;ünder&lt;/b&gt;." in browser.get("/join").text
    assert "Saved" not in browser.get("/join").text


# Markup


class Page(HTMLParser):
    """What a browser would make of a page, as far as it matters here."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.inside, self.inline, self.labels, self.fields = [], [], [], set(), []
        self.feed(text)
        self.whole = text.lstrip().startswith("<!doctype html>")
        self.unlabelled = [one for one in self.fields if not self._labelled(one)]
        self.loads = [given.get("src") or given.get("href") for tag, given in self.tags if tag in ("script", "link")]
        ids = [given["id"] for _, given in self.tags if "id" in given]
        self.repeated_ids = {id for id in ids if ids.count(id) > 1}

    def count(self, tag: str) -> int:
        return len([one for one, _ in self.tags if one == tag])

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "label":
            self.labels.add(given.get("for"))
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            self.fields.append(given | {"in label": "label" in self.inside})
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag not in ("input", "meta", "link", "br", "hr", "img"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def _labelled(self, field: dict) -> bool:
        return field["in label"] or field.get("id") in self.labels or bool(field.get("aria-label"))


@pytest.mark.parametrize("role", ROLES)
def test_pages_are_small_have_no_inline_script_or_style_and_label_every_field(client, every_page, role):
    browser, seen = client(role), 0
    for path in every_page:
        answer = browser.get(path)
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/html"):
            continue
        page, seen = Page(answer.text), seen + 1
        assert not page.inline, path
        assert not page.unlabelled, path
        assert len(answer.content) < LARGEST_PAGE, path
        assert not page.repeated_ids, path
        if page.whole:
            assert (page.count("h1"), page.count("main")) == (1, 1), path
        assert all(address.startswith("/") for address in page.loads), path
    assert seen >= 2


@pytest.mark.parametrize("role", ROLES)
def test_no_page_fails_for_anybody(client, every_page, role):
    browser = client(role)

    assert not [path for path in every_page if browser.get(path).status_code >= 500]
