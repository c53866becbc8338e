"""`hookpoint host`: what its verbs ask, print and refuse. Serving itself is tested in hosting/test_serve.py."""

import contextlib
import json
import os
import re

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.commands import host as commands
from hookpoint.hosting import people
from hookpoint.hosting.doctor import Finding
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.running import Running, only_one
from hookpoint.hosting.settings import read_settings
from hookpoint.hosting.store.database import open_database

TOKEN = re.compile(r"hookpoint_[a-z2-7]{32}")


@pytest.fixture
def hookpoint(tmp_path, monkeypatch):
    """Run a command in a folder of the host's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOKPOINT_EVENT", raising=False)
    return lambda *args, **options: CliRunner().invoke(main, ["host", *args], **options)


@pytest.fixture
def made(hookpoint, tmp_path):
    """An event that takes submissions now; what was printed when it was made."""
    done = hookpoint("init", "--starts", "now", "--title", "Night", "--timezone", "UTC")
    assert done.exit_code == 0
    return done.output


def signed_in(tmp_path, token: str):
    with contextlib.closing(open_database(tmp_path / "event" / "event.db")) as database, database.reading() as session:
        return people.signed_in(session, token)


def test_init_makes_an_event_with_usual_settings_and_prints_the_key_once(hookpoint, made, tmp_path):
    (token,) = TOKEN.findall(made)
    settings = read_settings(tmp_path / "event" / "event.toml")

    assert f"http://127.0.0.1:{settings.server.port}/sign-in#{token}" in made
    assert signed_in(tmp_path, token).role == "host"
    assert (settings.title, settings.template) == ("Night", "one_day") and len(settings.notebooks) > 10
    assert "hookpoint host doctor" in made and "hookpoint host serve" in made


def test_init_takes_what_is_given(hookpoint, tmp_path):
    about = {"title": "T", "place": "P", "timezone": "Asia/Tokyo", "starts": "2031-01-02 09:30", "template": "weekend"}
    options = [word for name, value in about.items() for word in (f"--{name}", value)]

    done = hookpoint("init", "mine", *options, "--notebooks", "03_attention,02_embed_and_mlp")

    found = read_settings(tmp_path / "mine" / "event.toml")
    assert done.exit_code == 0 and "--event mine" in done.output
    assert {name: getattr(found, name) for name in about} | {"starts": "2031-01-02 09:30"} == about
    assert f"{found.starts:%Y-%m-%d %H:%M}" == about["starts"]
    assert found.notebooks == ("03_attention", "02_embed_and_mlp")


def test_init_asks_at_a_terminal_and_asks_again_after_a_mistake(hookpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "can_ask", lambda: True)
    answers = ["My event", "", "Berlin", "Europe/Berlin", "three_hours", "soon", "2031-05-04 18:00", "03_attention"]

    done = hookpoint("init", input="\n".join(answers) + "\n")

    found = read_settings(tmp_path / "event" / "event.toml")
    assert done.exit_code == 0
    assert "no time zone 'Berlin'" in done.output and '"2027-03-05 18:00"' in done.output
    assert (found.title, found.place, found.timezone) == ("My event", commands.PLACE, "Europe/Berlin")
    assert (found.template, found.notebooks) == ("three_hours", ("03_attention",))


def test_init_twice_refuses_and_makes_no_second_host(hookpoint, made):
    done = hookpoint("init")

    assert done.exit_code == 2 and "holds an event already" in done.output and not TOKEN.search(done.output)


@pytest.mark.parametrize(
    "options",
    [
        ("--template", "one_night"),
        ("--timezone", "Nowhere"),
        ("--starts", "soon"),
        ("--notebooks", "99_none"),
        ("--title", ""),
        ("--database", "mysql://me:secret@db/event"),
    ],
)
def test_init_says_a_mistake_in_one_line_and_makes_nothing(hookpoint, tmp_path, options):
    done = hookpoint("init", *options)

    assert done.exit_code == 2 and "secret" not in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not list(tmp_path.glob("event/*"))


def test_invite_prints_a_link_that_signs_in(hookpoint, made, tmp_path):
    done = hookpoint("invite", "judge", "Ada Lovelace")

    (token,) = TOKEN.findall(done.output)
    person = signed_in(tmp_path, token)
    assert (person.name, person.role) == ("Ada Lovelace", "judge")
    assert re.search(r"http://\S+:8000/sign-in#", done.output)


def test_invite_names_the_address_that_is_served(hookpoint, made, tmp_path):
    with only_one(EventFolder(tmp_path / "event")) as answers:
        answers(Running(os.getpid(), ("http://192.168.0.12:9000",)))

        done = hookpoint("invite", "mentor", "Grace")

    assert "http://192.168.0.12:9000/sign-in#" in done.output


def test_participants_are_not_invited_but_join(hookpoint, made):
    assert hookpoint("invite", "participant", "Eve").exit_code == 2


def test_status_tells_how_it_stands(hookpoint, made, tmp_path):
    lines = dict(line.split(maxsplit=1) for line in hookpoint("status").output.splitlines())

    assert lines["event"] == "Night" and lines["phase"].startswith("hacking, 9 h until judging")
    assert "not running" in lines["server"] and lines["people"] == "0 teams, 1 host"
    assert lines["grading"] == "nobody grades now"


def test_status_as_json_is_json_alone(hookpoint, made, tmp_path):
    with only_one(EventFolder(tmp_path / "event")) as answers:
        answers(Running(os.getpid(), ("http://x:1",)))

        found = json.loads(hookpoint("status", "--json").output)

    assert (found["title"], found["phase"], found["waiting"], found["addresses"]) == (
        "Night", "hacking", 0, ["http://x:1"],
    )  # fmt: skip


@pytest.mark.parametrize("verb", [("status",), ("invite", "judge", "Ada"), ("serve",)])
def test_without_an_event_each_verb_names_the_one_that_makes_it(hookpoint, verb):
    done = hookpoint(*verb)

    assert done.exit_code == 2 and "hookpoint host init" in done.output and len(done.output.splitlines()) == 1


@pytest.mark.parametrize(("states", "code"), [(("ok", "warn"), 0), (("ok", "mend"), 1)])
def test_the_doctor_s_exit_code_says_whether_something_must_be_mended(hookpoint, monkeypatch, states, code):
    from hookpoint.hosting import doctor

    findings = [Finding(f"thing {state}", state, "was seen", "Do this.") for state in states]
    monkeypatch.setattr(doctor, "examine", lambda site: findings)

    done, as_json = hookpoint("doctor"), hookpoint("doctor", "--json")

    assert done.exit_code == as_json.exit_code == code
    assert [line.split()[0] for line in done.output.splitlines()[:4:2]] == list(states)
    assert [one["state"] for one in json.loads(as_json.output)] == list(states)


def test_the_doctor_looks_at_the_event_that_is_there(hookpoint, made, monkeypatch):
    from hookpoint.hosting import doctor

    seen = []
    monkeypatch.setattr(doctor, "examine", lambda site: seen.append(site) or ())

    hookpoint("doctor")

    assert seen[0].folder.path.name == "event"


def test_the_doctor_refuses_an_event_that_is_not_there(hookpoint, tmp_path):
    done = hookpoint("doctor", "--event", str(tmp_path))

    assert done.exit_code == 2 and "hookpoint host init" in done.output


def test_what_a_host_has_not_installed_is_named_with_the_command(hookpoint, monkeypatch):
    monkeypatch.setattr(commands, "NEEDED", ("no_such_package",))

    done = hookpoint("init")

    assert done.exit_code == 1 and "no_such_package" in done.output and "hookpoint[host]" in done.output


def test_challenges_are_refused_where_none_or_another_is_offered(hookpoint, made, tmp_path):
    path = tmp_path / "event" / "event.toml"
    other = hookpoint("challenges", "six_edits")
    path.write_text(re.sub("challenges = .*", "challenges = []", path.read_text()))
    none = hookpoint("challenges")

    assert other.exit_code == 2 and "The event does not offer six_edits. It offers hidden_rule," in other.stderr
    assert none.exit_code == 2 and "The event offers no challenges." in none.stderr


def test_final_scores_wait_for_the_end_of_submitting(hookpoint, made):
    early = hookpoint("finals")

    assert early.exit_code and "Final scores come when submitting has ended" in early.stderr
