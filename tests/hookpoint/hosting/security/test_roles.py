"""Who may do what: every address of the server, asked by everybody. The table is this test's own.

A new route fails here until somebody has written down who may use it.
"""

import re

import pytest

from hookpoint.hosting import claims, people

from .conftest import WHO, a_notebook_of

EVERYBODY = "nobody alone ada eve mentor judge other host"
SIGNED_IN = "alone ada eve mentor judge other host"
PARTICIPANTS = "alone ada eve"
TEAMS = "ada eve"
JUDGES = "judge other"
HELPERS = "mentor host"
FILE = {"file": ("mine.md", b"# Another study\n", "text/markdown")}

# (method, path): who gets through, and for a form what its page would send. `{name}` is filled from the world's ids.
PAGES = {
    "/": EVERYBODY, "/board": EVERYBODY, "/join": EVERYBODY, "/j/{code}": EVERYBODY, "/sign-in": EVERYBODY,
    "/welcome": EVERYBODY, "/news": EVERYBODY, "/news/list": EVERYBODY, "/help": EVERYBODY,
    "/challenges": EVERYBODY, "/challenges/{challenge}": EVERYBODY,
    "/challenges/{challenge}/starter.ipynb": EVERYBODY, "/challenges/{challenge}/given.zip": EVERYBODY,
    "/submit/writeup.md": EVERYBODY, "/problems": EVERYBODY, "/problems/{problem}": EVERYBODY,
    "/team": PARTICIPANTS, "/team/handed-in": PARTICIPANTS, "/submit": PARTICIPANTS, "/help/mine": PARTICIPANTS,
    "/team/submissions/{id}": "ada", "/team/submissions/{id}/now": "ada",
    "/help/queue": HELPERS,
    "/judge": JUDGES, "/judge/list": JUDGES, "/judge/{review_id}": "judge",
    "/host": "host", "/host/lights": "host", "/host/run-sheet": "host", "/host/log": "host", "/host/teams": "host",
    "/host/teams/{team_id}": "host", "/host/match": "host", "/host/judging": "host", "/host/export": "host",
    "/host/export/{name}.csv": "host",
}  # fmt: skip
FORMS = {
    "/join": (EVERYBODY, {"code": "{code}", "name": "New", "team": "New ones", "how": "new"}),
    "/sign-in": (EVERYBODY, {"token": "{token}"}),
    "/sign-out": (EVERYBODY, {}),
    "/team/new": ("alone", {"team": "Solo"}),
    "/team/join": ("alone", {"invitation": "{invitation}"}),
    "/team/match": ("alone", {"wants": "yes", "languages": "Dutch", "wishes": "Bo", "skill writing": "2"}),
    "/team/rename": (TEAMS, {"name": "Renamed"}),
    "/team/leave": (TEAMS, {}),
    "/team/invitation": (TEAMS, {}),
    "/team/progress": (PARTICIPANTS, {"tell": "yes"}),
    "/team/release": ("ada", {"problem": "{problem}"}),
    "/team/token": (PARTICIPANTS, {}),
    "/problems/{problem}": (TEAMS, {}),
    "/submit": (TEAMS, {"kind": "writeup"}),
    "/submit/look": (PARTICIPANTS, {"kind": "writeup"}),
    "/news/read": (SIGNED_IN, {}),
    "/help": (PARTICIPANTS, {"text": "How?", "about": "", "place": "row 3"}),
    "/help/{id}/solved": ("ada", {}),
    "/help/{id}/take": (HELPERS, {}),
    "/help/{id}/hand-on": (HELPERS, {"to": ""}),
    "/help/{id}/answer": (HELPERS, {"text": "So."}),
    "/help/{answered}/publish": (HELPERS, {"public": "yes"}),
    "/challenges/{challenge}/hint": (HELPERS, {"team": "{foxes}", "rung": "1"}),
    "/judge/{review_id}": ("judge", {"score-0": "3", "to_team": "a", "to_hosts": "b", "then": "draft"}),
    "/judge/{review_id}/draft": ("judge", {"score-0": "3", "to_team": "a", "to_hosts": "b"}),
    "/judge/{review_id}/score": ("judge", {}),
    "/judge/{review_id}/conflict": ("judge", {"why": "a friend"}),
    "/host/teams/{team_id}/disqualify": ("host", {"confirm": "Owls", "reason": "cheated"}),
    "/host/teams/{team_id}/reinstate": ("host", {}),
    "/host/teams/{team_id}/merge": ("host", {"confirm": "Newts", "into": "{toads}"}),
    "/host/teams/{team_id}/invitation": ("host", {}),
    "/host/match": ("host", {"seed": "1"}),
    "/host/people": ("host", {"role": "judge", "name": "Jo"}),
    "/host/people/{person_id}/token": ("host", {}),
    "/host/people/{person_id}/away": ("host", {"confirm": "Eve"}),
    "/host/people/{person_id}/back": ("host", {}),
    "/host/judging/open": ("host", {"each": "1"}),
    "/host/judging/conflict": ("host", {"judge": "{judge}", "team": "{foxes}"}),
    "/host/board": ("host", {"thawed": "yes"}),
    "/host/grading": ("host", {"paused": "yes"}),
    "/host/event": ("host", {"what": "pause"}),
    "/host/final": ("host", {"open": ""}),
    "/host/announce": ("host", {"text": "Lunch", "audience": "everyone"}),
    "/host/announce/{announcement_id}/cancel": ("host", {}),
    "/host/announce/{announcement_id}/pin": ("host", {"pinned": "yes"}),
    "/host/again": ("host", {}),
    "/host/again/{submission_id}": ("host", {}),
}  # fmt: skip
API = {
    "GET /api/event": (EVERYBODY, None), "GET /api/me": (SIGNED_IN, None), "GET /api/submissions": (SIGNED_IN, None),
    "GET /api/submissions/{id}": ("ada", None), "GET /api/questions": (SIGNED_IN, None),
    "GET /api/news": (SIGNED_IN, None), "GET /api/claims": (SIGNED_IN, None),
    "POST /api/join": (EVERYBODY, {"code": "{code}", "name": "New", "team": "New ones"}),
    "POST /api/submissions": (TEAMS, b"# Another study\n"),
    "POST /api/questions": (PARTICIPANTS, {"text": "How?"}),
    "POST /api/news/read": (SIGNED_IN, {}),
    "POST /api/progress": ("ada", {"passed": ["causal_mask"]}),
    "POST /api/claims": (TEAMS, {"problem": "{problem}"}),
}  # fmt: skip
REFUSALS = (401, 403, 404)


def routes(app) -> set[str]:
    found = set()
    for route in app.routes:
        each = route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]
        found |= {f"{method} {one.path}" for one in each for method in getattr(one, "methods", None) or ()}
    return found


def table() -> dict[str, tuple[str, object]]:
    forms = {f"POST {path.replace('answered', 'id')}": form for path, form in FORMS.items()}
    return {f"GET {path}": (who, None) for path, who in PAGES.items()} | forms | API


@pytest.fixture
def filled(world):
    """`filled("/team/submissions/{id}")`: with what such an address or field is about."""
    return filler(world)


def filler(world):
    ids = world.ids
    with world.db.reading() as session:
        problem = claims.of_team(session, ids["owls"])[0]
    values = {
        "code": world.join_code, "token": world.tokens["ada"], "invitation": world.invitations["foxes"],
        "foxes": ids["foxes"], "toads": ids["toads"], "judge": ids["judge"], "problem": problem,
        "review_id": ids["review"], "challenge": "hidden_rule",
        "team_id": ids["owls"], "person_id": ids["eve"], "submission_id": ids["notebook"], "name": "board_public",
        "announcement_id": ids["later"], "answered": ids["private"],
    }  # fmt: skip

    def fill(text: str) -> str:
        about = {"id": ids["waits"] if text.startswith("/help") else ids["notebook"]}
        about |= {"announcement_id": ids["told"]} if text.endswith("/pin") else {}
        about |= {"team_id": ids["newts"]} if text.endswith("/merge") else {}
        return re.sub(r"\{(\w+)\}", lambda found: str({**values, **about}[found[1]]), text)

    return fill


def ask(world, filled, who: str, method: str, path: str, content):
    path = filled(path)
    if isinstance(content, dict):
        content = {name: filled(text) if isinstance(text, str) else text for name, text in content.items()}
    if path.startswith("/api/"):
        body = {"content": content} if isinstance(content, bytes) else {"json": content}
        named = {"Hookpoint-File-Name": "mine.md", "Hookpoint-Kind": "writeup"}
        return world.program(who).request(method, path, headers=named, **(body if method == "POST" else {}))
    browser = world.browser(who)
    if method == "GET":
        return browser.get(path)
    return browser.send(path, files=FILE if path.startswith("/submit") else None, **content)


def first(allowed: str) -> str:
    """Somebody who may: hosts come last, and are taken where they are among them."""
    return allowed.split()[-1]


def test_every_route_has_its_line_in_the_table(world):
    assert routes(world.app) - {"GET /stream"} == set(table())  # the stream, which has no end, is below


@pytest.mark.parametrize("line", sorted(table()))
def test_everybody_gets_through_where_the_table_says_and_nobody_else_changes_a_thing(world, filled, line):
    method, path = line.split()
    path = next((one for one in FORMS if method == "POST" and one.replace("answered", "id") == path), path)
    allowed, content = table()[line]
    before = world.rows()

    refused = {who: ask(world, filled, who, method, path, content) for who in WHO if who not in allowed.split()}
    assert {who: answer.status_code in REFUSALS for who, answer in refused.items()} == dict.fromkeys(refused, True)
    assert refused.get("nobody") is None or refused["nobody"].status_code == 401
    assert world.rows() == before

    for who in allowed.split():
        assert ask(world, filled, who, method, path, content).status_code < 400, who
        world.fresh()


# What belongs to the Owls, and may be read by no other participant, judge or visitor

SECRETS = ("upside down", "leak", "Only to you", "the owls answer", "owls.ipynb", "owls.md", "owls' diagonal", "Pizza")


def secrets_of(world) -> tuple[str, ...]:
    return (*SECRETS, world.invitations["owls"], world.secret, *world.tokens.values())


@pytest.mark.parametrize("who", ["nobody", "alone", "eve", "judge", "other"])
def test_no_page_of_others_tells_what_is_the_teams_own(world, filled, who):
    paths = [path for path, allowed in PAGES.items() if who in allowed.split() and path != "/welcome"]
    pages = {path: world.browser(who).get(filled(path)).text for path in paths}
    if who in world.tokens:
        asked = [line.split()[1] for line, (allowed, _) in API.items() if line.startswith("GET") and who in allowed]
        pages |= {path: world.program(who).get(filled(path)).text for path in asked}

    assert not [(path, secret) for path, page in pages.items() for secret in secrets_of(world) if secret in page]


def test_the_team_and_the_hosts_do_see_it(world, filled):
    """So that the test above looks for what is there."""
    seen = world.browser("ada").get("/team").text + world.browser("ada").get("/help").text
    seen += world.browser("ada").get(f"/team/submissions/{world.ids['notebook']}").text
    seen += world.browser("host").get("/help").text + world.browser("host").get("/host").text

    wanted = {text.replace("'", "&#39;") for text in SECRETS if text != "the owls answer"} | {world.invitations["owls"]}
    assert [text for text in wanted if text not in seen] == []


@pytest.mark.parametrize("path", ["/api/submissions/{}", "/team/submissions/{}", "/team/submissions/{}/now"])
def test_whoever_counts_through_all_submissions_finds_only_their_own(world, path):
    ask = world.program("eve") if path.startswith("/api") else world.browser("eve")

    answers = {id: ask.get(path.format(id)) for id in range(30)}

    assert [id for id, answer in answers.items() if answer.status_code == 200] == [world.ids["paper"] + 1]
    others = {answer.text for answer in answers.values() if answer.status_code != 200}
    assert len({re.sub(r'value="\w+"', "", text) for text in others}) == 1  # another's looks as one that is not there


def test_whoever_counts_through_all_questions_ends_none_of_anothers(world):
    before, eve = world.rows(), world.browser("eve")

    assert {eve.send(f"/help/{id}/solved").status_code for id in range(1, 30)} == {404}
    assert world.rows() == before


def test_the_bytes_of_another_team_are_a_file_of_ones_own(world, small):
    """A replay is one's own alone: sending what another team sent tells nothing of theirs, and takes nothing."""
    eve = world.program("eve")
    looked = world.browser("eve").send("/submit/look", files={"file": ("a.ipynb", a_notebook_of(small))})
    sent = eve.post("/api/submissions", content=a_notebook_of(small), headers={"Hookpoint-File-Name": "a.ipynb"})

    assert looked.json()["there"] is None
    assert sent.json()["replay"] is False and sent.json()["submission"] > world.ids["paper"] + 1
    assert eve.get(f"/api/submissions/{sent.json()['submission']}").json()["verdicts"] == []


def test_an_old_invitation_a_guess_and_the_join_code_open_no_team(world):
    old = world.invitations["owls"]
    world.browser("ada").send("/team/invitation")
    guesses = (old, world.join_code, "", "FFFF-FFFF-FFFF", old[:-1], "%", "*", "' OR 1=1 --")

    assert {world.browser("alone").send("/team/join", invitation=one).status_code for one in guesses} == {400}
    joining = {"code": world.join_code, "name": "Mallory", "how": "invited"}
    assert {world.browser().send("/join", invitation=one, **joining).status_code for one in guesses} == {400}


def test_who_was_sent_away_gets_in_nowhere(world, filled):
    """With the cookie, the bearer and the form of signing in; on every address that wants anybody at all."""
    host, before = world.browser("host"), world.browser("eve").get("/team").status_code
    host.send(f"/host/people/{world.ids['eve']}/away", confirm="Eve")
    rows = world.rows()

    for line, (allowed, content) in table().items():
        method, path = line.split()
        if "eve" in allowed.split() and "nobody" not in allowed.split():
            status = ask(world, filled, "eve", method, path, content).status_code
            assert status == (403 if method == "POST" and path in FORMS else 401), line
    assert world.browser().send("/sign-in", token=world.tokens["eve"]).status_code == 401
    assert before == 200 and world.rows() == rows


def test_a_token_that_was_replaced_opens_nothing(world):
    with world.db.session() as session:
        ada = people.signed_in(session, world.tokens["ada"])
        people.new_token(session, ada, ada)

    assert world.browser("ada").get("/team").status_code == 401
    assert world.program("ada").get("/api/me").status_code == 401
