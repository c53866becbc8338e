"""The board as a page: for everybody, for the projector, frozen, before the first result, with names of any kind."""

from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import segno

from hookpoint.hosting import server
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.server.routes import board
from hookpoint.hosting.shown import Baseline
from hookpoint.hosting.store.models import Announcement, Submission, Team, Verdict

ids = count(1)
EVIL = '<b title="x">Owls</b> & \u202eseeB'


@pytest.fixture
def has_points(db, NOON, a_person, a_team):
    """`has_points("Owls", 7)`: a team with a graded submission."""

    def make(name: str, points: float, at=NOON, se: float = 0.0):
        person = a_person(team=a_team(name))
        with db.session() as session:
            row = Submission(
                team_id=person.team_id, person_id=person.id, kind="notebook", task="03_attention", file_name="x",
                sha256=f"{next(ids):064}", content=b"", received=at,
            )  # fmt: skip
            session.add(row)
            given = {"points": points, "max_points": 10, "public": points, "public_se": se}
            session.add(Verdict(submission=row, exercise="causal_mask", status="passed", **given))

    return make


def test_everybody_sees_the_board_and_the_first_page_leads_there(client):
    browser = client()

    assert browser.get("/").headers["location"] == "/board"
    assert browser.get("/board").status_code == 200


@pytest.mark.parametrize(("role", "home"), [("participant", "/team"), ("judge", "/judge"), ("host", "/host")])
def test_the_first_page_leads_everybody_to_their_own(client, role, home):
    assert client(role).get("/").headers["location"] == home


def test_before_the_first_result_it_shows_the_schedule_and_the_code(client, event):
    page = client().get("/board").text

    assert "The first results will appear here." in page
    assert event.row.join_code in page and "All</bdi>" in page


def test_rows_say_rank_points_interval_and_percent_without_any_script(client, has_points):
    has_points("Owls", 8, se=1)
    has_points("Bees", 7, se=1)
    has_points("Cats", 1)

    page = client().get("/board").text

    assert page.count('<td class="rank">=1</td>') == 2 and '<td class="rank">3</td>' in page
    assert "95 % interval 6 to 10 points" in page and "1 points, exact" in page
    assert 'class="square s4" title="Attention: 80 %">80</span>' in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_names_are_shown_as_they_are_escaped_and_isolated(client, has_points, db, a_person, NOON):
    has_points(EVIL, 8)
    with db.session() as session:
        session.add(Announcement(person_id=a_person("host").id, text="<script>alert(1)</script>", posted=NOON))

    page = client().get("/board").text

    assert "<bdi>&lt;b title=&#34;x&#34;&gt;Owls&lt;/b&gt; &amp; \u202eseeB</bdi>" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_the_frozen_board_says_since_when_and_the_projector_then_hides_the_code(client, clock, has_points, NOON):
    has_points("Owls", 8)
    clock.now = NOON + timedelta(hours=7, minutes=30)

    page, projector = client().get("/board").text, client().get("/board?tv=1").text

    assert "Board frozen at 19:00. Results still count." in page
    assert 'id="join" hidden' in projector and 'id="join" hidden' not in page


def test_until_it_freezes_it_says_when(client):
    assert "board freezes in 7 h" in client().get("/board").text


def test_after_the_event_the_board_stays(client, clock, has_points, NOON):
    has_points("Owls", 8)
    clock.now = NOON + timedelta(days=1)

    page = client().get("/board").text

    assert "<bdi>Owls</bdi>" in page and "over" in page


def test_where_the_schedule_closes_the_board_neither_page_nor_stream_has_the_ranking(
    db, client, has_points, app, clock
):
    has_points("Owls", 8)
    with db.session() as session:
        event = session.get(server.auth.event.Event, 1)
        event.settings = event.settings.replace(', "board"]', "]")

    page, state = client().get("/board").text, app.state.hub.current().state

    assert "The ranking is not shown now." in page and "Owls" not in page
    assert (state["board"]["rows"], state["graded"]) == ([], [])


def test_baselines_stand_among_the_teams_without_a_rank(db, event, clock, client, has_points):
    has_points("Owls", 8)
    app = create_app(db, clock=lambda: clock.now, baselines=[Baseline("brute force", 4)])
    browser = client()
    browser._transport.app = app

    page = browser.get("/board").text

    assert page.index("<bdi>Owls</bdi>") < page.index("<bdi>brute force</bdi>") < page.index("baseline, not ranked")


def test_with_hundreds_of_teams_pages_and_stream_stay_small(db, client, has_points, app, NOON):
    has_points("Owls", 8)
    with db.session() as session:
        session.add_all([Team(name=f"A team of forty letters, number {n:08}", invitation=f"i{n}") for n in range(499)])

    first, last = client().get("/board"), client().get("/board?from=481")
    told = app.state.hub.current()

    assert 'href="/board?from=481"' in first.text and "number 00000498" in last.text
    assert max(len(first.content), len(last.content)) < 60_000
    assert len(told.state["board"]["rows"]) == 500 and len(told.message) < 20_000


# The way in


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("http://192.168.1.20:8000", "http://192.168.1.20:8000"), ("http://event.local", "http://event.local"),
        ("http://localhost:8000", "http://10.0.0.7:8000"), ("http://127.0.0.1:8000", "http://10.0.0.7:8000"),
        ("http://[fd00::1]:8000", "http://[fd00::1]:8000"),
    ],
)  # fmt: skip
def test_the_address_is_one_that_others_in_the_room_reach(client, monkeypatch, base, address):
    monkeypatch.setattr(board, "addresses", lambda: ["10.0.0.7", "10.0.0.8"])
    browser = client()
    browser.base_url = base

    assert f'href="{address}/j/' in browser.get("/board").text


def test_without_a_network_the_address_is_as_it_was_asked(client, monkeypatch):
    monkeypatch.setattr(board, "addresses", list)
    browser = client()
    browser.base_url = "http://localhost:8000"

    assert 'href="http://localhost:8000/j/' in browser.get("/board").text


def test_the_qr_code_is_black_on_white_with_four_modules_of_quiet_around_it():
    link = "http://192.168.1.20:8000/j/KQ7M-X4WF"
    drawn, code = board.qr(link), segno.make(link, error="m", micro=False)

    width, height = code.symbol_size(border=4)
    assert f'viewBox="0 0 {width} {height}"' in drawn
    assert f'fill="#fff" d="M0 0h{width}v{height}h-{width}z"' in drawn and 'stroke="#000"' in drawn
    assert "style=" not in drawn


# Colours


def theme(name: str) -> dict[str, str]:
    """The colours of a theme, as the style sheet names them."""
    sheet = (Path(server.__file__).parent / "static" / "site.css").read_text()
    start = sheet.index(":root {" if name == "light" else ':root[data-theme="dark"] {')
    block = sheet[start : sheet.index("}", start)]
    return {key.strip("- \n"): value.strip() for key, _, value in (one.partition(":") for one in block.split(";"))}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXT = [(ink, ground) for ink in ("ink", "quiet", "blue", "orange", "good", "bad") for ground in ("page", "card")]
TEXT += [("ink", "cell"), ("ink", "hatch"), ("quiet", "cell"), ("on-blue", "blue"), ("on-orange", "orange")]
TEXT += [("on-s12", "s1"), ("on-s12", "s2"), ("on-s34", "s3"), ("on-s34", "s4")]
LINES = [("edge", "page"), ("edge", "card"), ("focus", "page"), ("focus", "card"), ("blue", "cell")]


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(
    ("over", "under", "wanted"), [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in LINES]
)  # fmt: skip
def test_text_and_edges_stand_out_as_wcag_aa_asks(name, over, under, wanted):
    colours = theme(name)
    dark, light = sorted(luminance(colours[one]) for one in (over, under))

    assert (light + 0.05) / (dark + 0.05) >= wanted


def test_the_dark_colours_are_the_same_by_the_system_and_by_the_key():
    sheet = (Path(server.__file__).parent / "static" / "site.css").read_text()
    start = sheet.index(':root:not([data-theme="light"]) {')
    system = sheet[sheet.index("--page", start) : sheet.index("}", start)].split()

    start = sheet.index(':root[data-theme="dark"] {')
    assert sheet[sheet.index("--page", start) : sheet.index("}", start)].split() == system
