"""The JSON API: the same rules as the pages, by token alone, and one line for whatever is wrong."""

import hashlib
import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from hookpoint.grading.results import Graded, Result
from hookpoint.grading.submission import LARGEST_FILE
from hookpoint.hosting import codes, news, questions, queue
from hookpoint.hosting.store.models import Grader

BEFORE = timedelta(hours=-6)
READ = ("/api/me", "/api/submissions", "/api/submissions/1", "/api/questions", "/api/claims", "/api/news")


@pytest.fixture
def owls(a_team):
    return a_team("Owls")


@pytest.fixture
def ada(client, owls):
    return client.program(name="Ada", team=owls)


def submit(program, content, name="03_attention.ipynb", **headers):
    given = {"Hookpoint-File-Name": quote(name), "Hookpoint-Kind": "notebook"} | headers
    return program.post("/api/submissions", content=content, headers=given)


def test_the_event_is_told_once_and_then_only_when_it_changes(client, ada, a_notebook):
    first = client().get("/api/event")
    tag = first.headers["etag"]

    same = client().get("/api/event", headers={"If-None-Match": tag})
    submit(ada, a_notebook())
    other = client().get("/api/event", headers={"If-None-Match": tag})

    assert first.json()["title"] == "Look inside 2026"
    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


@pytest.mark.parametrize("form", ['W/"{}"', '"x", "{}"', '"{}" , "y"'])
def test_a_tag_is_recognised_as_proxies_write_it(client, form):
    version = client().get("/api/event").headers["etag"].strip('"')

    assert client().get("/api/event", headers={"If-None-Match": form.format(version)}).status_code == 304


def test_nothing_private_is_in_what_everybody_gets(client, ada, owls, a_notebook, event):
    submit(ada, a_notebook())

    text = client().get("/api/event").text

    for secret in (ada.token, codes.hashed(ada.token), event.row.secret, owls.invitation, "03_attention.ipynb"):
        assert secret not in text


def test_joining_gives_a_token_that_is_known(client, event):
    said = client().post("/api/join", json={"code": event.row.join_code, "name": "Ada", "team": "Owls"})

    token = said.json()["token"]
    me = client().get("/api/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert said.status_code == 201
    assert (said.json()["person"], said.json()["team"]) == ("Ada", "Owls")
    assert me["invitation"] == said.json()["invitation"]


def test_joining_with_an_invitation_and_with_neither(client, event, a_team):
    code, team = event.row.join_code, a_team("Owls")

    invited = client().post("/api/join", json={"code": code, "name": "Ben", "invitation": team.invitation}).json()
    alone = client().post("/api/join", json={"code": code, "name": "Cy", "about": {"languages": ["English"]}}).json()

    assert (invited["team"], alone["team"]) == ("Owls", "")


@pytest.mark.parametrize(
    "body, status",
    [({"name": "Ada"}, 400), ({"code": "FHKM-RTW2", "name": "Ada"}, 400), ([], 400), ({"code": 7, "name": []}, 400)],
)
def test_what_is_wrong_is_said_in_two_lines(client, body, status):
    answer = client().post("/api/join", json=body)

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "next"}
    assert all(line and "\n" not in line for line in answer.json().values())


def test_me_says_who_and_what_is_left(ada, owls, a_person, a_notebook):
    a_person(name="Ben", team=owls)
    submit(ada, a_notebook())

    me = ada.get("/api/me").json()

    assert (me["person"], me["role"], me["team"], me["members"]) == ("Ada", "participant", "Owls", ["Ada", "Ben"])
    assert me["limits"] == {"submissions_per_hour": 20, "left": 19, "challenges": {}, "bytes": LARGEST_FILE}
    assert [one["status"] for one in me["submissions"]] == ["queued"]


def test_me_is_for_every_role_and_without_a_team(client):
    for role in ("participant", "judge", "mentor", "host"):
        me = client.program(role).get("/api/me").json()
        assert (me["role"], me["team"], me["members"], me["submissions"]) == (role, "", [], [])


@pytest.mark.parametrize("path", READ)
def test_without_a_token_nothing_private_is_told(client, path):
    browser = client("participant")  # its cookie says who they are, and counts for pages alone

    for answer in (browser.get(path), browser.get(path, headers={"Authorization": "Basic eA=="})):
        assert answer.status_code == 401
        assert set(answer.json()) == {"error", "next"}


@pytest.mark.parametrize(
    "path", ["/api/submissions", "/api/questions", "/api/progress", "/api/claims", "/api/news/read"]
)
def test_without_a_token_nothing_is_done(client, path):
    assert client("participant").post(path, json={}).status_code == 401


def test_a_token_that_was_replaced_opens_nothing(ada, client):
    assert client().get("/api/me", headers={"Authorization": f"Bearer {codes.token()}"}).status_code == 401


def test_a_notebook_is_received_and_a_replay_is_the_same(ada, a_notebook):
    first, again = submit(ada, a_notebook()), submit(ada, a_notebook(), "copy.ipynb")

    assert first.status_code == again.status_code == 201
    assert first.json()["task"] == "03_attention"
    assert (first.json()["replay"], again.json()["replay"]) == (False, True)
    assert again.json()["submission"] == first.json()["submission"]
    assert ada.get("/api/me").json()["limits"]["left"] == 19


def test_a_submission_is_followed_from_queue_to_verdict(ada, db, NOON, a_notebook):
    id = submit(ada, a_notebook()).json()["submission"]
    waiting = ada.get(f"/api/submissions/{id}").json()
    with db.session() as session:
        job = queue.claim(session, "g", 1, 30, NOON)[0]
        running = Graded("causal_mask", "failed", 0, 2, "slip", "wrong")
        queue.finish(session, job.job, "g", Result("a", job.sha256, job.task, "1", job.seed, (running,)), NOON)

    scored = ada.get(f"/api/submissions/{id}").json()

    assert (waiting["status"], waiting["place"], waiting["verdicts"]) == ("queued", 1, [])
    assert (scored["status"], scored["place"]) == ("scored", None)
    assert scored["verdicts"] == [
        {"exercise": "causal_mask", "status": "failed", "points": 0, "max_points": 2, "message": "wrong"}
    ]
    assert scored["sha256"] == hashlib.sha256(a_notebook()).hexdigest()
    assert [one["submission"] for one in ada.get("/api/submissions").json()] == [id]


def test_only_what_waits_is_told_how_long_it_will(ada, db, NOON, a_notebook):
    """Also if another file of the team waits, and it is known how long files of that kind take."""
    done = submit(ada, a_notebook()).json()["submission"]
    with db.session() as session:
        session.add(Grader(name="g", level="", workers=1, started=NOON, seen=NOON))
        for job in queue.claim(session, "g", 1, 30, NOON):
            queue.finish(session, job.job, "g", Result("", "", "", "", "", (), seconds=6.0), NOON)
    waits = submit(ada, a_notebook() + b"\n").json()["submission"]

    told = {one["submission"]: (one["place"], one["expected_seconds"]) for one in ada.get("/api/submissions").json()}

    assert told == {done: (None, None), waits: (1, 6.0)}


def test_the_seed_is_never_told(ada, event, a_notebook):
    from hookpoint.hosting.event import seed_of

    id = submit(ada, a_notebook()).json()["submission"]

    assert seed_of(event.row, "03_attention") not in ada.get(f"/api/submissions/{id}").text


def test_another_teams_submission_is_not_there(ada, client, a_team, a_notebook):
    id = submit(client.program(team=a_team("Larks")), a_notebook()).json()["submission"]

    for program in (ada, client.program(), client.program("judge"), client.program("mentor"), client.program("host")):
        assert program.get(f"/api/submissions/{id}").status_code == 404
    assert ada.get("/api/submissions").json() == []


@pytest.mark.parametrize("id", ["0", "-1", str(2**70), "x", "1e3"])
def test_an_odd_number_finds_no_submission(ada, id):
    assert ada.get(f"/api/submissions/{id}").status_code in (400, 404)


def test_a_write_up_is_taken_with_its_findings(ada):
    answer = submit(ada, b"# Ours\n", "ours.md", **{"Hookpoint-Kind": "writeup"}).json()

    assert (answer["task"], answer["replay"]) == ("writeup", False)
    assert any('"Claim"' in finding for finding in answer["findings"])


@pytest.mark.parametrize(
    "content, name, kind, status",
    [
        (b"MZ", "a.exe", "notebook", 415),
        (b"{}", "a.ipynb", "notebook", 400),
        (b"{}", "a.ipynb", "challenge", 400),
        (b"{}", "%00%ff/..\\", "writeup", 415),
        (b"", "", "", 415),
    ],
)
def test_what_cannot_be_taken_is_refused(ada, content, name, kind, status):
    answer = submit(ada, content, name, **{"Hookpoint-Kind": kind})

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "next"}


def test_the_wrong_task_is_named(ada, a_notebook):
    answer = submit(ada, a_notebook(), **{"Hookpoint-Task": "02_embed_and_mlp"})

    assert answer.status_code == 400
    assert "03_attention" in answer.json()["error"]


def test_a_file_that_is_too_large_is_refused(ada):
    answer = submit(ada, b" " * (LARGEST_FILE + 1))

    assert answer.status_code == 413


def test_too_often_says_when_again(ada, event, a_notebook):
    for number in range(event.settings.limits.submissions_per_hour):
        submit(ada, a_notebook(f"def causal_mask(T):\n    return {number}"))

    answer = submit(ada, a_notebook())

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")


def test_before_submitting_opens_it_says_when(ada, clock, a_notebook):
    clock.now += BEFORE

    answer = submit(ada, a_notebook())

    assert answer.status_code == 403
    assert answer.json() == {"error": "Submitting opens at 08:00 (in 2 h).", "next": "Come back then."}


def test_questions_are_asked_and_answered(ada, client, db, NOON):
    asked = ada.post("/api/questions", json={"text": "Why?", "about": "causal_mask", "place": "table 7"})
    id = asked.json()["question"]
    waiting = ada.get("/api/questions").json()
    with db.session() as session:
        questions.answer(session, client("mentor").person, id, "Because.", True, NOON)

    answered, others = ada.get("/api/questions").json(), client.program().get("/api/questions").json()

    assert (asked.status_code, asked.json()["position"]) == (201, 1)
    assert (waiting["mine"][0]["position"], waiting["mine"][0]["answer"]) == (1, None)
    assert (answered["mine"][0]["position"], answered["mine"][0]["answer"]) == (None, "Because.")
    assert (others["mine"], [one["text"] for one in others["faq"]]) == ([], ["Why?"])
    assert "table 7" not in json.dumps(others) and "Ada" not in json.dumps(others)


def test_only_participants_ask(client):
    assert client.program("judge").post("/api/questions", json={"text": "Why?"}).status_code == 403


def test_news_are_counted_until_they_are_read(ada, client, db, NOON):
    with db.session() as session:
        host = client("host").person
        news.announce(session, host, "Lunch.", "everyone", True, NOON)
        news.announce(session, host, "For judges.", "judges", False, NOON)

    told, unread = ada.get("/api/news").json(), ada.get("/api/me").json()["unread"]
    ada.post("/api/news/read")

    assert [(one["text"], one["pinned"], one["new"]) for one in told["news"]] == [("Lunch.", True, True)]
    assert (unread, ada.get("/api/me").json()["unread"]) == (1, 0)


def test_claims_are_made_seen_and_given_up(ada, client, a_team):
    other = client.program(team=a_team("Larks"))

    ada.post("/api/claims", json={"problem": "9.60"})
    seen = other.get("/api/claims").json()
    ada.post("/api/claims", json={"problem": "9.60", "release": True})

    assert seen == {"claims": {"9.60": ["Owls"]}, "mine": []}
    assert other.get("/api/claims").json()["claims"] == {}


@pytest.mark.parametrize("body", [{"problem": "../x"}, {"problem": ""}, {"problem": 7}, {}])
def test_a_claim_needs_a_problem(ada, body):
    assert ada.post("/api/claims", json=body).status_code == 400


@pytest.mark.parametrize("body", [{"passed": "embed"}, {"passed": [1]}, {}])
def test_progress_is_a_list_of_exercises(ada, body):
    assert ada.post("/api/progress", json=body).status_code == 400


def test_no_answer_is_kept_in_a_cache(ada, client):
    assert ada.get("/api/me").headers["cache-control"] == "no-store"
    assert client().get("/api/event").headers["cache-control"] == "no-cache"
