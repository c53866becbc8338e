"""The participant's client: bad Wi-Fi costs time and nothing else, and every mistake is one line."""

import contextlib
import socket
import subprocess
import sys
import threading

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.client import EventClient, address_in, plain
from hookpoint.hosting.errors import NotFound, NotSignedIn, TooOften
from hookpoint.hosting.store.models import Person, Question, Submission

from .wire import ANSWER_LOST, FAULTS, HALF_ARRIVES, NEVER_ARRIVES, Wire

ADDRESS = "http://event.test:8000"


@pytest.fixture
def connect(app):
    """`connect(person, faults)`: a client whose pauses take no time; `.slept` are those that it made."""

    def make(person=None, faults=(), **options) -> EventClient:
        slept = []
        options = {"transport": Wire(app, faults), "sleep": slept.append} | options
        one = EventClient(ADDRESS, person.token if person else "", **options)
        one.slept = slept
        return one

    return make


def answering(*answers: httpx.Response) -> httpx.MockTransport:
    """Gives these answers in turn."""
    rest = iter(answers)
    return httpx.MockTransport(lambda request: next(rest))


def count(db, *rules) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).where(*rules))


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# Bad Wi-Fi


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=6))
def test_whatever_the_network_does_a_file_is_in_once(faults, db, connect, a_team, a_person, a_notebook):
    person = a_person(team=a_team())

    receipt = connect(person, faults).submit(a_notebook(), "03_attention.ipynb")

    assert count(db, Submission.team_id == person.team_id) == 1
    assert count(db, Submission.id == receipt["submission"]) == 1
    assert receipt["replay"] == (ANSWER_LOST in faults)


def test_half_of_a_file_is_never_taken_for_it(db, connect, a_team, a_person, a_notebook):
    person = a_person(team=a_team())

    with pytest.raises(HookpointError):
        connect(person, [HALF_ARRIVES], patience=0).submit(a_notebook(), "03_attention.ipynb")

    assert count(db, Submission.id > 0) == 0


def test_who_joins_over_a_bad_network_joins_once(db, connect, event):
    answer = connect(faults=[NEVER_ARRIVES, ANSWER_LOST, ANSWER_LOST]).join(event.row.join_code, "Ada", team="Owls")

    assert count(db, Person.role == "participant") == 1
    assert (answer["person"], answer["team"]) == ("Ada", "Owls")
    assert connect(type("Ada", (), {"token": answer["token"]})).me()["person"] == "Ada"


def test_a_question_whose_answer_is_lost_is_not_asked_twice(db, connect, a_person):
    with pytest.raises(HookpointError, match="may have worked") as error:
        connect(a_person(), [NEVER_ARRIVES, ANSWER_LOST]).ask("Where is the mask?")

    assert one_line(error) and count(db, Question.id > 0) == 1


def test_pauses_grow_and_end_with_the_patience(connect):
    client = connect(faults=[NEVER_ARRIVES] * 100, patience=30)

    with pytest.raises(HookpointError, match="Wi-Fi"):
        client.event()

    assert len(client.slept) > 5 and sum(client.slept) <= 30
    assert sum(client.slept[:2]) < sum(client.slept[-2:])


def test_without_patience_it_tries_once(connect):
    client = connect(faults=[NEVER_ARRIVES], patience=0)

    with pytest.raises(HookpointError):
        client.event()

    assert client.slept == []


def test_waiting_in_vain_counts_as_patience(connect):
    def silent(request):
        raise httpx.ReadTimeout("nothing came")

    client = connect(patience=25, seconds=10, transport=httpx.MockTransport(silent))

    with pytest.raises(HookpointError, match="does not answer"):
        client.event()

    assert len(client.slept) == 2


def test_each_new_try_is_told(connect):
    told = []

    connect(faults=[NEVER_ARRIVES], told=told.append).event()

    assert len(told) == 1 and "Trying again" in told[0] and "\n" not in told[0]


def test_an_upload_that_is_cut_off_in_the_middle_is_sent_again():
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for number in range(2):
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as file:
                    if number == 0:
                        file.read(100_000)  # then the connection is cut, with more on its way
                        continue
                    length = next(int(line[16:]) for line in file if line.lower().startswith(b"content-length: "))
                    while file.readline().strip():
                        pass
                    received.append(file.read(length))
                    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 17\r\n\r\n" + b'{"submission": 1}')

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = EventClient(f"127.0.0.1:{server.getsockname()[1]}", "token", sleep=lambda seconds: None)
        content = bytes(5_000_000)

        assert client.submit(content, "a.ipynb") == {"submission": 1}
        thread.join(20)
    assert received == [content]


# What servers ask for


BUSY = httpx.Response(429, headers={"Retry-After": "7"}, json={"error": "20 in this hour.", "next": "Wait."})


def test_retry_after_is_honoured(connect):
    client = connect(transport=answering(BUSY, httpx.Response(200, json={"title": "T"})))

    assert client.event() == {"title": "T"}
    assert len(client.slept) == 1 and client.slept[0] >= 7


def test_who_should_wait_longer_than_it_has_patience_is_told_at_once(connect):
    client = connect(transport=answering(BUSY), patience=5)

    with pytest.raises(TooOften) as error:
        client.event()

    assert (error.value.seconds, client.slept, one_line(error)) == (7, [], "20 in this hour. Wait.")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_starts_anew_is_waited_for(connect, status):
    assert connect(transport=answering(httpx.Response(status), httpx.Response(200, json={}))).event() == {}


def test_an_event_that_did_not_change_costs_no_second_snapshot(connect):
    client = connect()

    first, second = client.event(), client.event()

    assert first is second and first["title"] == "Look inside 2026"
    assert "If-None-Match" in client._http._transport.requests[1].headers


# Mistakes


def test_the_server_s_refusals_come_as_their_own_kind(connect, a_person, a_team, a_notebook):
    person, stranger = a_person(team=a_team()), a_person(team=a_team())
    id = connect(person).submit(a_notebook(), "03_attention.ipynb")["submission"]

    with pytest.raises(NotSignedIn):
        connect().me()
    with pytest.raises(NotFound):
        connect(stranger).submission(id)
    with pytest.raises(UsageError) as error:
        connect(person).submit(b"no notebook", "03_attention.ipynb")
    assert len(one_line(error)) > 10


def test_a_file_s_name_may_be_in_any_script(connect, a_person, a_team, a_notebook):
    client = connect(a_person(team=a_team()))

    client.submit(a_notebook(), "Übung 注意.ipynb")

    assert client.submissions()[0]["file_name"] == "Übung 注意.ipynb"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>Welcome to the hotel</html>"),
        httpx.Response(302, headers={"Location": "http://hotel.example/login"}),
        httpx.Response(200, json=["another", "program"]),
        httpx.Response(403, json={"error": None}),
        httpx.Response(404, text="nothing here"),
    ],
)
def test_what_is_no_event_server_is_said_to_be_none(connect, answer):
    with pytest.raises(HookpointError, match="Wi-Fi") as error:
        connect(transport=answering(answer)).event()

    assert one_line(error)


def test_the_token_follows_no_redirect(connect, a_person):
    asked = []

    def elsewhere(request):
        asked.append(request.url.host)
        return httpx.Response(307, headers={"Location": "http://elsewhere.example/api/me"})

    with pytest.raises(HookpointError):
        connect(a_person(), transport=httpx.MockTransport(elsewhere)).me()

    assert asked == ["event.test"]


def test_what_the_server_says_cannot_command_the_terminal(connect):
    nasty = httpx.Response(400, json={"error": "\x1b[2J\u202eevil\nline", "next": ""})

    with pytest.raises(UsageError) as error:
        connect(transport=answering(nasty)).event()

    assert one_line(error) == "?[2J?evil line"
    assert plain("a\tb\nc\x07") == "a\tb\nc?"


@pytest.mark.parametrize(
    ("typed", "address", "code"),
    [
        ("192.168.0.12:8000", "http://192.168.0.12:8000", ""),
        (" 192.168.0.12 ", "http://192.168.0.12:8000", ""),
        ("http://laptop.local/", "http://laptop.local", ""),
        ("http://192.168.0.12:8000/j/K7MF-2RXW", "http://192.168.0.12:8000", "K7MF-2RXW"),
        ("https://event.example/board", "https://event.example", ""),
        ("[fd00::2]:8000", "http://[fd00::2]:8000", ""),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed, address, code):
    assert address_in(typed) == (address, code)


@pytest.mark.parametrize("typed", ["", "http://", "ftp://laptop", "http://me:secret@laptop", "laptop:http", "a b:1"])
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(UsageError, match="192.168.0.12:8000"):
        address_in(typed)


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("ab.:/[]%@0189-\u00fc\u3002", max_size=12)))
def test_no_text_makes_another_error_than_our_own(typed):
    with contextlib.suppress(UsageError):
        EventClient(typed).close()


# Where it runs


def test_a_proxy_of_the_environment_is_not_asked_for_what_is_in_the_room(monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve, daemon=True).start()

        assert EventClient(f"127.0.0.1:{server.getsockname()[1]}", patience=0).event() == {}


def test_the_client_needs_neither_torch_nor_what_only_hosts_install():
    code = (
        "import sys, hookpoint.hosting.client, hookpoint.hosting.joined, hookpoint.commands.event\n"
        "print([name for name in ('torch', 'sqlalchemy', 'fastapi', 'numpy') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
