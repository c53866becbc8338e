"""`hookpoint join` and `hookpoint submit` against the event's server, in this process."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.commands import event as commands
from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import queue
from hookpoint.hosting.client import EventClient
from hookpoint.hosting.joined import Joined, joined, place, remember
from hookpoint.hosting.store.models import Event, Job, Person

from ..conftest import make_all
from .wire import ANSWER_LOST, NEVER_ARRIVES, Wire

ADDRESS = "http://event.test:8000"
TOKEN = f"hookpoint_{'a' * 32}"


@pytest.fixture
def wire(app):
    return Wire(app)


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch, wire):
    """A person's own folders, and the app at the end of every wire; pauses take no time."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "find_workspace", lambda: None)
    monkeypatch.setattr(
        commands,
        "client",
        lambda address, token="", **options: EventClient(
            address, token, transport=wire, sleep=lambda seconds: None, told=lambda line: None, **options
        ),
    )


@pytest.fixture
def hookpoint():
    return lambda *args, **options: CliRunner().invoke(main, args, **options)


@pytest.fixture
def ada(hookpoint, event):
    """Ada, who has joined from here."""
    assert hookpoint("join", ADDRESS, event.row.join_code, "--name", "Ada", "--team", "Owls").exit_code == 0
    return joined(None)[0]


@pytest.fixture
def notebook(tmp_path, a_notebook):
    path = tmp_path / "03_attention.ipynb"
    path.write_bytes(a_notebook())
    return path


def graded(db, NOON, **about) -> None:
    """Grade what waits."""
    right = Graded("causal_mask", "passed", 1, 1)
    wrong = Graded("attention", "failed", 0, 3, message="attention(x) has the wrong values.\n  Next: look.")
    with db.session() as session:
        for job in queue.claim(session, "g", 9, 30, NOON):
            result = Result("s", job.sha256, job.task, "v", job.seed, **{"verdicts": (right, wrong)} | about)
            queue.finish(session, job.job, "g", result, NOON)


# Joining


def test_who_joins_is_told_where_and_what_comes_next(hookpoint, event):
    done = hookpoint("join", ADDRESS, event.row.join_code, "--name", "Ada", "--team", "Owls")

    one, path = joined(None)
    assert done.exit_code == 0 and "Ada, in the team Owls, at Look inside 2026" in done.output
    assert "Invite others" in done.output and "hookpoint submit" in done.output
    assert (one.address, one.person, one.team, one.event) == (ADDRESS, "Ada", "Owls", "Look inside 2026")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_token_is_never_printed(hookpoint, ada, notebook):
    outputs = [hookpoint("join").output, hookpoint("submit", str(notebook), "--no-wait", "--json").output, repr(ada)]

    assert ada.token and not any(ada.token in output for output in outputs)


def test_join_alone_says_where_and_whether_the_server_answers(hookpoint, ada, wire):
    assert "The server answers" in hookpoint("join").output

    wire.faults = iter([NEVER_ARRIVES])
    done = hookpoint("join")
    assert ADDRESS in done.output and "cannot be reached" in done.output and done.exit_code == 0


def test_join_alone_without_an_event_says_how_to_join(hookpoint):
    done = hookpoint("join")

    assert done.exit_code == 1 and "hookpoint join ADDRESS CODE" in done.output


def test_a_join_link_has_address_and_code(hookpoint, event):
    done = hookpoint("join", f"{ADDRESS}/j/{event.row.join_code}", "--name", "Ada")

    assert done.exit_code == 0 and "without a team so far" in done.output


def test_with_an_invitation_one_is_in_that_team(hookpoint, event, a_team, monkeypatch):
    team = a_team("Owls")

    done = hookpoint("join", ADDRESS, event.row.join_code, "--name", "Ada", "--invitation", team.invitation)

    assert "in the team Owls" in done.output


def test_who_has_joined_in_the_browser_brings_the_token(hookpoint, a_person, a_team):
    person = a_person(name="Ada", team=a_team("Owls"))

    done = hookpoint("join", ADDRESS, person.token)

    assert done.exit_code == 0 and joined(None)[0].token == person.token and person.token not in done.output


def test_a_second_join_at_the_same_event_needs_to_be_meant(hookpoint, ada, event, db):
    refused = hookpoint("join", ADDRESS, event.row.join_code, "--name", "Ada again")
    meant = hookpoint("join", ADDRESS, event.row.join_code, "--name", "Ada again", "--again")

    assert refused.exit_code == 2 and "--again" in refused.output
    assert meant.exit_code == 0 and joined(None)[0].person == "Ada again"


def test_without_somebody_to_ask_what_is_missing_is_said(hookpoint, event):
    assert "CODE" in hookpoint("join", ADDRESS).output
    assert "--name" in hookpoint("join", ADDRESS, event.row.join_code).output


def test_somebody_at_a_terminal_is_asked(hookpoint, event, monkeypatch):
    monkeypatch.setattr(commands, "_can_ask", lambda: True)

    done = hookpoint("join", ADDRESS, input=f"{event.row.join_code}\nAda\n\nOwls\n")

    assert done.exit_code == 0 and "Ada, in the team Owls" in done.output


@pytest.mark.parametrize("code", ["K7MF", "K7MF-2RXW", "hookpoint_short", TOKEN])
def test_a_wrong_code_is_one_line_and_leaves_nothing_behind(hookpoint, code):
    done = hookpoint("join", ADDRESS, code, "--name", "Ada")

    assert done.exit_code in (1, 2) and len(done.output.strip().splitlines()) == 1
    assert joined(None) is None


def test_the_workspace_goes_before_the_user_s_own_folder(tmp_path):
    (tmp_path / "w" / ".hookpoint").mkdir(parents=True)
    remember(Joined("http://a:1", TOKEN), None)
    path = remember(Joined("http://b:1", TOKEN), tmp_path / "w")

    assert joined(tmp_path / "w") == (Joined("http://b:1", TOKEN), path)
    assert joined(None)[0].address == "http://a:1"


@pytest.mark.parametrize("text", ["", "[]", '{"address": "http://a:1"}', '{"address": "a", "token": "Bearer\\nx"}'])
def test_a_damaged_file_is_said_to_be_damaged(hookpoint, text):
    place(None).parent.mkdir(parents=True)
    place(None).write_text(text)

    done = hookpoint("submit", __file__)

    assert done.exit_code == 1 and "join again" in done.output and len(done.output.splitlines()) == 1


# Handing in


def test_a_notebook_goes_in_and_its_verdicts_come_out(hookpoint, ada, notebook, db, NOON, monkeypatch):
    monkeypatch.setattr(commands, "rest", lambda seconds: graded(db, NOON))

    done = hookpoint("submit", str(notebook))

    lines = [line.strip() for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert lines[0].startswith("03_attention.ipynb: received, as 03_attention (number ")
    queued = lines.index("03_attention.ipynb: queued, place 1")
    assert lines[queued + 1 : queued + 3] == ["✓ passed   causal_mask  1 of 1", "✗ failed   attention  0 of 3"]
    assert lines[queued + 3 : queued + 5] == ["attention(x) has the wrong values.", "Next: look."]
    assert lines[queued + 5 :] == ["03_attention.ipynb: 1 of 4 points."]


def test_the_same_file_again_shows_its_verdicts_and_costs_nothing(hookpoint, ada, notebook, db, NOON):
    hookpoint("submit", str(notebook), "--no-wait")
    graded(db, NOON)

    done = hookpoint("submit", str(notebook))

    assert "no attempt is used" in done.stdout and "1 of 4 points" in done.stdout


@pytest.fixture
def script(db, toy, event, NOON, tmp_path):
    """An answer to a challenge that the event offers."""
    toy()
    with db.session() as session:
        row = session.get(Event, 1)
        row.settings = row.settings.replace("[[phases]]", 'challenges = ["toy"]\n\n[[phases]]', 1)
    make_all(db, NOON)
    path = tmp_path / "mine.py"
    path.write_text("def guess(hint):\n    return 1\n")
    return path


def test_an_answer_to_a_challenge_goes_in_and_its_score_comes_out(hookpoint, script, ada, db, NOON, monkeypatch):
    one = Graded("toy", "passed", 43.21, 100.0, "", "nearness: 0.432, 95 % interval 0.4 to 0.5.", value=0.43)
    monkeypatch.setattr(commands, "rest", lambda seconds: graded(db, NOON, verdicts=(one,)))

    done = hookpoint("submit", str(script), "--challenge", "toy")

    assert (
        done.exit_code == 0
        and "received, as toy" in done.output
        and "Attempts left at this challenge: 9" in done.output
    )
    assert "✓ passed   toy  43.2 of 100\n      nearness: 0.432, 95 % interval 0.4 to 0.5.\n" in done.output


def test_a_file_that_only_a_challenge_takes_wants_its_name(hookpoint, ada, tmp_path):
    (tmp_path / "mine.json").write_text("[]")

    done = hookpoint("submit", "mine.json")

    assert done.exit_code == 2 and "add --challenge ID" in done.stderr


def test_what_we_could_not_grade_is_not_held_against_anybody(hookpoint, ada, notebook, db, NOON, monkeypatch):
    monkeypatch.setattr(commands, "rest", lambda seconds: graded(db, NOON, verdicts=(), trouble="It fell over."))

    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 0 and "not counted" in done.stdout and "It fell over." in done.stdout


def test_json_is_json_alone(hookpoint, ada, notebook, db, NOON, monkeypatch):
    monkeypatch.setattr(commands, "rest", lambda seconds: graded(db, NOON))

    (row,) = json.loads(hookpoint("submit", str(notebook), "--json").stdout)

    assert (row["file"], row["task"], row["replay"], row["status"]) == (str(notebook), "03_attention", False, "scored")
    assert [verdict["status"] for verdict in row["verdicts"]] == ["passed", "failed"]


def test_a_write_up_goes_in_with_what_is_missing_and_is_not_waited_for(hookpoint, ada, tmp_path):
    path = tmp_path / "writeup.md"
    path.write_text("# Nothing yet\n")

    done = hookpoint("submit", str(path))

    assert done.exit_code == 0 and "received, as your write-up" in done.stdout and len(done.stdout.splitlines()) > 1


def test_a_bad_network_costs_time_and_nothing_else(hookpoint, ada, notebook, wire, db):
    wire.faults = iter([NEVER_ARRIVES, ANSWER_LOST, NEVER_ARRIVES])

    done = hookpoint("submit", str(notebook), "--no-wait")

    assert done.exit_code == 0 and "number 1" in done.stdout


def test_a_network_that_is_gone_after_the_file_is_in_is_no_failure(hookpoint, ada, notebook, wire, monkeypatch):
    monkeypatch.setattr(commands, "rest", lambda seconds: setattr(wire, "faults", iter([NEVER_ARRIVES] * 99)))

    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 0 and "It is handed in." in done.stderr


def test_ctrl_c_while_waiting_leaves_it_handed_in(hookpoint, ada, notebook, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "rest", interrupt)

    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 0 and done.stderr.startswith("It is handed in.")


def test_one_bad_file_costs_the_others_nothing(hookpoint, ada, notebook, tmp_path):
    bad = tmp_path / "bad.ipynb"
    bad.write_text("no notebook")

    done = hookpoint("submit", str(bad), str(notebook), "--no-wait")

    assert done.exit_code == 1
    assert done.stderr.startswith("bad.ipynb: ") and "03_attention.ipynb: received" in done.stdout


def test_other_files_are_refused_before_anything_is_sent(hookpoint, ada, notebook, tmp_path, wire):
    (tmp_path / "weights.bin").write_bytes(b"")
    before = len(wire.requests)

    done = hookpoint("submit", str(notebook), str(tmp_path / "weights.bin"))

    assert done.exit_code == 2 and "weights.bin" in done.stderr and len(wire.requests) == before


def test_who_has_not_joined_is_told_how(hookpoint, notebook):
    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 2 and "hookpoint join" in done.stderr


def test_closed_submitting_says_when(hookpoint, ada, notebook, clock):
    clock.now += timedelta(days=1)

    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 1 and "ended" in done.stderr


def test_somebody_who_was_sent_away_is_told_in_one_line(hookpoint, ada, notebook, db):
    with db.session() as session:
        session.query(Person).update({"active": False})

    done = hookpoint("submit", str(notebook))

    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    with db.reading() as session:
        assert session.query(Job).count() == 0
