"""The host's console: every action does what it says, is written down, and is refused to everybody else."""

import hashlib
import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from hookpoint.hosting import audit, matching
from hookpoint.hosting import event as events
from hookpoint.hosting.judging import desk
from hookpoint.hosting.server.routes import console, console_judging, console_teams
from hookpoint.hosting.store.models import (
    Announcement,
    AuditEntry,
    Conflict,
    Event,
    Grader,
    Interruption,
    Job,
    Person,
    Review,
    Submission,
    Team,
    Verdict,
)  # fmt: skip

TAKEN_BACK = {
    "/host/teams/{}/reinstate", "/host/teams/{}/merge", "/host/people/{}/back", "/host/announce/{}/cancel",
    "/host/announce/{}/pin",
}  # fmt: skip
OTHERS = ["", "participant", "judge", "mentor"]


@pytest.fixture
def hall(db, event, client, a_team, a_person):
    """Two teams with a member, a write-up, and a notebook that could not be graded; two judges and a host."""

    class Hall:
        host = client("host", name="Grace")
        owls, cakes = a_team("Night Owls"), a_team("Layer Cake")
        ada, bob = a_person(name="Ada", team=owls), a_person(name="Bob", team=cakes)
        alone = a_person(name="Alone", wants_team=True)
        judges = [a_person("judge", name=f"Judge {n}") for n in range(2)]
        failed = []

        @staticmethod
        def send(path, **fields):
            return Hall.host.send(path, **fields)

    for person in (Hall.ada, Hall.bob):
        kinds = (("writeup", "writeup"), ("notebook", "03_attention"))
        rows = [
            Submission(team_id=person.team_id, person_id=person.id, kind=kind, task=task, file_name="x", content=b"# x",
                       sha256=hashlib.sha256(f"{person.id}{kind}".encode()).hexdigest(), received=event.at)
            for kind, task in kinds
        ]  # fmt: skip
        with db.session() as session:
            session.add_all(rows)
            session.flush()
            trouble = "the grader died"
            session.add(Job(submission_id=rows[1].id, state="failed", trouble=trouble, finished=event.at, tries=3))
        Hall.failed.append(rows[1].id)
    return Hall


def rows(db, table):
    with db.reading() as session:
        return session.scalars(select(table).order_by(table.id)).all()


def said(db):
    """What was done on the console, as the log has it."""
    return [entry.what for entry in rows(db, AuditEntry) if entry.who.startswith("Grace")]


def row(db, one):
    with db.reading() as session:
        return session.get(type(one), one.id)


def actions(hall, db):
    """Every form of the console: its path, its fields, and what the log then has; of those that undo, none."""
    with db.session() as session:
        now = events.current(session, session.get(Event, 1).created)
        desk.open_judging(session, hall.host.person, now, 1)
    owls, ada = f"/host/teams/{hall.owls.id}", f"/host/people/{hall.ada.id}"
    return [
        ("/host/board", {"thawed": "yes"}, "thawed the public board"),
        ("/host/grading", {"paused": "yes"}, "paused grading"),
        ("/host/event", {"what": "pause"}, "paused the event"),
        ("/host/event", {"what": "extend", "minutes": "15"}, "extended the event"),
        ("/host/final", {"open": "yes", "confirm": "look inside 2026"}, "opened the final board"),
        ("/host/announce", {"text": "Lunch", "audience": "everyone"}, "announced"),
        ("/host/again", {}, "had a submission graded again"),
        (f"/host/again/{hall.failed[0]}", {}, "had a submission graded again"),
        (f"{owls}/disqualify", {"reason": "x", "confirm": "night owls"}, "disqualified a team"),
        (f"{owls}/invitation", {}, "renewed an invitation"),
        ("/host/match", {"seed": "3"}, "matched teams"),
        ("/host/people", {"role": "mentor", "name": "Mia"}, "enrolled a mentor"),
        (f"{ada}/token", {}, "renewed a token"),
        (f"{ada}/away", {"confirm": "Ada"}, "sent away"),
        ("/host/judging/open", {"each": "2"}, "opened judging"),
        ("/host/judging/conflict", {"judge": hall.judges[0].id, "team": hall.owls.id}, "declared a conflict"),
    ]


def test_every_action_is_done_once_and_written_down(hall, db):
    for path, fields, what in actions(hall, db):
        before = said(db).count(what)
        answer = hall.send(path, **fields)

        assert answer.status_code in (200, 303), (path, answer.text[-500:])
        assert said(db).count(what) > before, path


@pytest.mark.parametrize("role", OTHERS)
def test_every_action_is_refused_to_others_and_leaves_no_trace(hall, db, client, role):
    other = client(role)
    listed = actions(hall, db)
    listed += [(path.replace("{}", "1"), {}, "") for path in TAKEN_BACK]
    before = len(rows(db, AuditEntry))

    answers = {path: other.send(path, **fields).status_code for path, fields, _ in listed}

    assert set(answers.values()) == {403 if role else 401}
    assert len(rows(db, AuditEntry)) == before


@pytest.mark.parametrize("role", OTHERS)
def test_every_page_is_for_hosts(hall, client, role):
    other = client(role)
    pages = "/lights /teams /match /judging /run-sheet /log /export /export/people.csv".split()

    for path in ("", f"/teams/{hall.owls.id}", *pages):
        assert other.get(f"/host{path}").status_code == (403 if role else 401)
        assert hall.host.get(f"/host{path}").status_code == 200


def test_the_tests_know_every_action_of_the_console(hall, db):
    paths = {re.sub(r"\d+", "{}", path) for path, _, _ in actions(hall, db)}
    routers = (console.router, console_teams.router, console_judging.router)
    forms = [route for router in routers for route in router.routes if "POST" in getattr(route, "methods", ())]

    assert {re.sub(r"{\w+}", "{}", form.path) for form in forms} == paths | TAKEN_BACK


# The event


def test_the_board_is_thawed_and_freezes_again(hall, db):
    hall.send("/host/board", thawed="yes")
    assert row(db, rows(db, Event)[0]).thawed

    hall.send("/host/board", thawed="")
    assert not row(db, rows(db, Event)[0]).thawed


def test_the_event_is_paused_and_resumed_and_made_longer(hall, db, clock):
    hall.send("/host/event", what="pause")
    assert "paused since 12:00" in hall.host.get("/host").text
    clock.now += timedelta(minutes=10)
    hall.send("/host/event", what="resume")
    hall.send("/host/event", what="extend", minutes="20")

    assert [(one.what, one.minutes) for one in rows(db, Interruption)] == [("pause", 0), ("resume", 0), ("extend", 20)]
    assert "until 20:30" in hall.host.get("/host").text


@pytest.mark.parametrize("minutes", ["", "0", "-5", "1.5", "x", "150", "99999999"])
def test_minutes_that_are_none_are_refused_and_shown_again(hall, db, minutes):
    answer = hall.send("/host/event", what="extend", minutes=minutes)

    assert answer.status_code == 400 and f'name="minutes" inputmode="numeric" size="4" value="{minutes}"' in answer.text
    assert rows(db, Interruption) == []


def test_grading_is_paused_and_the_light_says_so(hall):
    hall.send("/host/grading", paused="yes")

    assert "Grading is paused" in hall.host.get("/host/lights").text


def test_an_announcement_is_sent_or_waits_for_its_time_and_can_be_taken_back(hall, db, NOON):
    hall.send("/host/announce", text="Lunch", audience="participants", pinned="yes")
    hall.send("/host/announce", **{"text": "Dinner", "audience": "everyone", "from": "2026-05-04T18:00"})

    lunch, dinner = rows(db, Announcement)
    assert (lunch.text, lunch.audience, lunch.pinned, lunch.posted) == ("Lunch", "participants", True, NOON)
    assert dinner.posted == NOON + timedelta(hours=6) and "Dinner" in hall.host.get("/host").text
    hall.send(f"/host/announce/{dinner.id}/cancel")
    assert [one.text for one in rows(db, Announcement)] == ["Lunch"]


def test_the_host_sees_how_many_have_read_and_can_pin(hall, db, client):
    hall.send("/host/announce", text="Lunch", audience="participants")
    assert "marked as read by 0 of 3" in hall.host.get("/host").text
    client(person=hall.ada).send("/news/read")
    assert "marked as read by 1 of 3" in hall.host.get("/host").text

    (lunch,) = rows(db, Announcement)
    hall.send(f"/host/announce/{lunch.id}/pin", pinned="yes")
    assert row(db, lunch).pinned and "pinned an announcement" in said(db)


@pytest.mark.parametrize("when", ["tomorrow", "2026-05-04T11:00", "2026-13-40T99:00"])
def test_an_announcement_for_no_time_is_refused_and_its_text_kept(hall, db, when):
    answer = hall.send("/host/announce", **{"text": "Lunch <now>", "audience": "everyone", "from": when})

    assert answer.status_code == 400 and "Lunch &lt;now&gt;" in answer.text
    assert rows(db, Announcement) == []


@pytest.mark.parametrize("typed", ["", "Look inside", "Look inside 2027"])
def test_the_final_board_opens_for_the_name_of_the_event_alone(hall, db, typed):
    answer = hall.send("/host/final", open="yes", confirm=typed)

    assert answer.status_code == 400 and "Look inside 2026" in answer.text
    assert not rows(db, Event)[0].final_open


def test_the_final_board_waits_for_the_final_scores(hall, db):
    with db.session() as session:
        one = Verdict(submission_id=hall.failed[0], exercise="x", status="passed", points=1, max_points=2, public=1.0)
        session.add(one)

    answer = hall.send("/host/final", open="yes", confirm="Look inside 2026")

    assert answer.status_code == 400 and "has no final score" in answer.text
    assert not rows(db, Event)[0].final_open


# What could not be graded


def test_what_was_not_counted_is_listed_and_graded_again(hall, db):
    page = hall.host.get("/host").text
    assert "2 submissions could not be graded" in page and "the grader died" in page

    hall.send(f"/host/again/{hall.failed[0]}")
    assert "1 submission could not be graded" in hall.host.get("/host").text
    hall.send("/host/again")

    assert [job.state for job in rows(db, Job)] == ["failed", "failed", "queued", "queued"]
    assert hall.send("/host/again").status_code == 400


# Teams and people


def test_a_team_is_disqualified_for_a_reason_and_reinstated(hall, db):
    path = f"/host/teams/{hall.owls.id}"
    hall.send(f"{path}/disqualify", reason="attacked the server", confirm="night  OWLS")
    assert row(db, hall.owls).disqualified == "attacked the server"
    assert "attacked the server" in hall.host.get(path).text

    hall.send(f"{path}/reinstate")
    assert row(db, hall.owls).disqualified == ""


@pytest.mark.parametrize("action", ["disqualify", "merge"])
@pytest.mark.parametrize("typed", ["", "Layer Cake", "Night"])
def test_nothing_dangerous_is_done_without_the_name(hall, db, action, typed):
    answer = hall.send(f"/host/teams/{hall.owls.id}/{action}", reason="why not", into=hall.cakes.id, confirm=typed)

    assert answer.status_code == 400 and "type its name: Night Owls" in answer.text
    assert row(db, hall.owls).active and not row(db, hall.owls).disqualified
    assert said(db) == []


def test_a_team_is_merged_into_another(hall, db):
    answer = hall.send(f"/host/teams/{hall.owls.id}/merge", into=hall.cakes.id, confirm="Night Owls")

    assert answer.headers["location"] == f"/host/teams/{hall.cakes.id}"
    assert row(db, hall.ada).team_id == hall.cakes.id and not row(db, hall.owls).active
    assert said(db) == ["merged teams"]
    assert hall.host.get(f"/host/teams/{hall.owls.id}").status_code == 404


def test_people_without_a_team_are_matched_as_the_proposal_said(hall, db, a_person):
    a_person(name="Also", wants_team=True)
    proposal = hall.host.get("/host/match?seed=5").text
    assert "Alone" in proposal and "Also" in proposal and row(db, hall.alone).team_id is None

    hall.send("/host/match", seed="5")

    assert row(db, hall.alone).team_id is not None


def test_teams_are_reckoned_while_others_can_write(hall, db, a_person, monkeypatch):
    """Of hundreds it takes seconds, in which nobody could hand in."""
    a_person(name="Also", wants_team=True)
    begun, within, match = [], [], matching.match
    listen(db.engine, "before_cursor_execute", lambda *given: begun.append(given[2]))

    def spy(*given):
        within.append([one for one in begun if one.startswith("BEGIN")][-1])
        return match(*given)

    monkeypatch.setattr(matching, "match", spy)
    hall.send("/host/match", seed="77")

    assert within == ["BEGIN"] and row(db, hall.alone).team_id is not None


@pytest.mark.parametrize("role", ["judge", "mentor", "host"])
def test_an_invitation_is_shown_once_as_link_and_code_and_opens(hall, client, db, role):
    answer = hall.send("/host/people", role=role, name="Mia <b>")
    token = re.search(r'value="(hookpoint_\w+)"', answer.text)[1]

    assert f"/sign-in#{token}" in answer.text and "<svg" in answer.text and "Mia &lt;b&gt;" in answer.text
    assert client().send("/sign-in", token=token).headers["location"] in ("/judge", "/help", "/host")
    assert token not in "".join(hall.host.get(path).text for path in ("/host", "/host/teams", "/host/log"))


def test_a_form_that_is_sent_twice_invites_once(hall, db):
    hall.send("/host/people", role="mentor", name="Mia")

    assert hall.send("/host/people", role="mentor", name="mia").status_code == 400
    assert [person.name for person in rows(db, Person) if person.role == "mentor"] == ["Mia"]


@pytest.mark.parametrize("role", ["participant", "king", ""])
def test_nobody_is_invited_as_something_else(hall, db, role):
    before = len(rows(db, Person))

    assert hall.send("/host/people", role=role, name="Mia").status_code == 400
    assert len(rows(db, Person)) == before


def test_a_new_token_takes_the_place_of_the_old(hall, client):
    old = client(person=hall.ada)
    assert old.get("/team").status_code == 200

    answer = hall.send(f"/host/people/{hall.ada.id}/token")

    assert "hookpoint_" in answer.text
    assert old.get("/team").status_code in (303, 401)


def test_a_host_with_a_new_token_of_their_own_stays_signed_in(hall):
    hall.send(f"/host/people/{hall.host.person.id}/token")

    assert hall.host.get("/host").status_code == 200


def test_somebody_is_sent_away_and_let_in_again(hall, db):
    hall.send(f"/host/people/{hall.ada.id}/away", confirm="ada")
    assert not row(db, hall.ada).active

    hall.send(f"/host/people/{hall.ada.id}/back")
    assert row(db, hall.ada).active


def test_who_was_sent_away_gets_no_token(hall):
    hall.send(f"/host/people/{hall.ada.id}/away", confirm="ada")

    answer = hall.send(f"/host/people/{hall.ada.id}/token")

    assert answer.status_code == 400 and "Let them in again first" in answer.text


def test_hosts_do_not_send_themselves_away(hall, db):
    answer = hall.send(f"/host/people/{hall.host.person.id}/away", confirm="Grace")

    assert answer.status_code == 403 and row(db, hall.host.person).active


# Judging


def test_judging_is_opened_with_the_number_that_was_typed(hall, db):
    hall.send("/host/judging/open", each="2")

    assert len(rows(db, Review)) == 4
    assert "0</b> of 4 ratings are in" in hall.host.get("/host/judging").text


@pytest.mark.parametrize("each", ["", "0", "3", "x"])
def test_judges_who_are_not_there_are_not_handed_anything(hall, db, each):
    answer = hall.send("/host/judging/open", each=each)

    assert answer.status_code == 400 and rows(db, Review) == []


def test_the_first_page_says_when_write_ups_have_no_judge(hall):
    assert "2 write-ups have no judge yet" in hall.host.get("/host").text
    hall.send("/host/judging/open", each="1")
    assert "no judge yet" not in hall.host.get("/host").text


def test_a_conflict_that_the_host_names_is_kept(hall, db):
    hall.send("/host/judging/conflict", judge=hall.judges[0].id, team=hall.owls.id, why="siblings")

    assert [(one.judge_id, one.team_id) for one in rows(db, Conflict)] == [(hall.judges[0].id, hall.owls.id)]


def test_results_have_places_between_which_chance_decides(hall, db, event):
    hall.send("/host/judging/open", each="2")
    with db.session() as session:
        for review in session.scalars(select(Review)).all():
            scores = {one.name: 5 if review.team_id == hall.owls.id else 2 for one in event.settings.judging.criteria}
            judge = session.get(Person, review.judge_id)
            desk.rate(session, judge, review.id, scores, "", "good luck <3", event.at, True)

    page = hall.host.get("/host/judging").text

    assert re.search(r"<b>1</b></td><td>1[^<]*</td>\s*<td><bdi>Night Owls</bdi></td><td class=\"number\"><b>5.00", page)
    assert "good luck &lt;3" in page


def test_every_table_can_be_had_and_none_holds_a_token(hall, db, a_person):
    page = hall.host.get("/host/export").text
    names = re.findall(r'href="/host/export/(\w+)\.csv"', page)
    secrets = [hall.host.token, hall.ada.token, hall.owls.invitation]

    files = {name: hall.host.get(f"/host/export/{name}.csv") for name in names}

    assert {"board_public", "people", "audit_log", "reviews"} <= set(names)
    assert "Night Owls" in files["teams"].text and "attachment" in files["teams"].headers["content-disposition"]
    assert not [name for name, file in files.items() for secret in secrets if secret in file.text]
    assert hall.host.get("/host/export/nothing.csv").status_code == 404


# The lights


@pytest.mark.parametrize("seconds, state", [(1, "good"), (11, "bad")])
def test_a_grader_that_is_not_heard_turns_the_light(hall, app, db, NOON, seconds, state):
    app.state.started = NOON - timedelta(minutes=1)
    with db.session() as session:
        session.add(
            Grader(name="laptop", level="bubblewrap, no network", workers=2, seen=NOON - timedelta(seconds=seconds))
        )

    page = hall.host.get("/host/lights").text

    assert re.search(rf'<div class="light {state}">\s*<h2><span [^>]*>.</span> Graders', page)
    assert ("bubblewrap, no network" in page) == (state == "good")


def test_a_server_that_has_just_started_gives_its_graders_time_to_come(hall):
    assert "None yet: the server has just started." in hall.host.get("/host/lights").text


def test_a_lost_grader_beside_another_says_what_happens_by_itself(hall, db, NOON):
    with db.session() as session:
        session.add(Grader(name="laptop", level="bubblewrap", workers=2, seen=NOON))
        session.add(Grader(name="other", level="bubblewrap", workers=2, seen=NOON - timedelta(seconds=14)))
        job = session.scalars(select(Job)).first()
        job.state, job.finished, job.lease_owner, job.lease_until = (
            "leased",
            None,
            "other",
            NOON + timedelta(seconds=16),
        )

    page = hall.host.get("/host/lights").text

    assert "not heard for 14 s" in page and "Its 1 submission goes to another grader by 12:00:16" in page


def test_a_clock_that_was_set_back_is_trouble(hall, clock):
    clock.now -= timedelta(minutes=30)

    assert "The clock was set back" in hall.host.get("/host/lights").text


# Undo, run sheet, rehearsal


@pytest.mark.parametrize(
    "path, fields, undo",
    [
        ("/host/board", {"thawed": "yes"}, "Freeze again"),
        ("/host/grading", {"paused": "yes"}, "Start again"),
        ("/host/event", {"what": "pause"}, "Resume"),
        ("/host/final", {"open": "yes", "confirm": "Look inside 2026"}, "Close it"),
    ],
)
def test_an_action_can_be_undone_from_the_list_until_it_is(hall, path, fields, undo):
    def offered():
        return re.findall(r"<form.*?</form>", hall.host.get("/host").text.split("Last actions of hosts")[1], re.DOTALL)

    hall.send(path, **fields)
    (form,) = offered()
    hold = dict(re.findall(r'name="(\w+)" value="(\w*)"', form))
    assert undo in form and f'action="{path}"' in form

    hall.send(path, **{key: value for key, value in hold.items() if key != "csrf"})

    assert undo not in "".join(offered())


def test_what_hosts_did_stays_in_the_list_however_much_judges_do(hall, db):
    hall.send("/host/grading", paused="yes")
    with db.session() as session:
        session.add_all(AuditEntry(who="Jo (judge 9)", what="rated an entry", about={}) for _ in range(400))

    assert "paused grading" in hall.host.get("/host").text.split("Last actions of hosts")[1]


def test_disqualifying_can_be_undone_from_the_list(hall, db):
    hall.send(f"/host/teams/{hall.owls.id}/disqualify", reason="x", confirm="Night Owls")

    assert f'action="/host/teams/{hall.owls.id}/reinstate"' in hall.host.get("/host").text


def test_the_first_page_has_what_to_read_out_now_and_next(hall, clock, event):
    clock.now = event.schedule.phases[0].opens + timedelta(minutes=1)

    page = hall.host.get("/host").text

    assert "Submitting is open. Begin with the starter notebook" in page
    assert "Next, at" in page


def test_the_run_sheet_has_every_line_and_marks_the_present_one(hall, event):
    page = hall.host.get("/host/run-sheet").text

    assert page.count('<li class="step-line') == len(event.schedule.cues)
    assert 1 <= page.count("is-now") < len(event.schedule.cues) / 2


def test_the_list_of_actions_is_of_hosts_alone_and_the_log_of_all(hall, db):
    with db.session() as session:
        audit.note(session, session.get(Person, hall.judges[0].id), "rated an entry")
        audit.note(session, session.get(Person, hall.host.person.id), "paused grading")

    assert "rated an entry" not in hall.host.get("/host").text and "paused grading" in hall.host.get("/host").text
    assert "rated an entry" in hall.host.get("/host/log").text


def test_a_rehearsal_says_so_on_every_page(hall, db):
    assert "Rehearsal" not in hall.host.get("/host").text
    with db.session() as session:
        session.get(Event, 1).rehearsal = True

    for path in ("", "/teams", "/judging", "/run-sheet", "/log"):
        assert "Rehearsal: nothing here counts." in hall.host.get(f"/host{path}").text


@pytest.mark.parametrize("hours", [-48, -4.5, 0, 7.5, 9, 48])
def test_every_page_is_there_before_the_event_in_it_and_after(hall, clock, hours):
    clock.now += timedelta(hours=hours)

    for path in ("", "/lights", "/teams", f"/teams/{hall.owls.id}", "/judging", "/run-sheet", "/log", "/export"):
        assert hall.host.get(f"/host{path}").status_code == 200


def test_names_of_strangers_are_escaped_everywhere(hall, db):
    with db.session() as session:
        session.get(Team, hall.owls.id).name = "<script>x</script>"
        session.get(Person, hall.ada.id).name = "<img src=x>"

    for path in ("", "/teams", f"/teams/{hall.owls.id}", "/judging", "/log"):
        page = hall.host.get(f"/host{path}").text
        assert "<script>x" not in page and "<img src=x" not in page
