"""What an event leaves: tables without formulas, pages that need no network, certificates for whom they are due."""

import csv
import hashlib
import re
import shutil
import stat
import zipfile
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from hookpoint.cli import main
from hookpoint.content.course import course
from hookpoint.errors import UsageError
from hookpoint.hosting import leaving
from hookpoint.hosting.archive import export_archive
from hookpoint.hosting.certificates import Certificate, Passed, certificates, spoken_dates, write_certificates
from hookpoint.hosting.event import current
from hookpoint.hosting.leaving import leave
from hookpoint.hosting.settings import new_settings
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Event, Person, Rating, Review, Submission, Team, Verdict

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def hand_in(db, NOON):
    """`hand_in(team, person, causal_mask="passed")`: a submission with these verdicts, of 2 points each."""

    def make(team: Team, person: Person, task: str = "03_attention", kind: str = "notebook", final=None, **verdicts):
        content = f"{team.id} {task}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        with db.session() as session:
            session.add(one := Submission(
                team_id=team.id, person_id=person.id, kind=kind, task=task, file_name="=cmd()", sha256=sha256,
                content=content, received=NOON,
            ))  # fmt: skip
            session.flush()
            for exercise, status in verdicts.items():
                points = 2.0 if status == "passed" else 0.0
                session.add(Verdict(submission_id=one.id, exercise=exercise, status=status, points=points,
                                    max_points=2, public=final and points, final=final))  # fmt: skip
        return one

    return make


@pytest.fixture
def over(event, a_team, a_person, hand_in):
    """An event of two teams that handed in, one that did not, and one that was disqualified."""
    owls, evil = a_team("Owls"), a_team(EVIL)
    idle, out = a_team("Idle"), a_team("=Out()", disqualified="copied")
    ada = a_person(name="Ada <b>", team=owls)
    bob = a_person(name="=Bob(1)", team=evil)
    gone = a_person(name="Gone", team=owls, active=False)
    a_person(name="Idler", team=idle)
    cut = a_person(name="Cutter", team=out)
    hand_in(owls, ada, causal_mask="passed", attention="failed")
    hand_in(owls, ada, task="writeup", kind="writeup")
    hand_in(evil, bob, causal_mask="failed")
    hand_in(out, cut, causal_mask="passed")
    return SimpleNamespace(owls=owls, evil=evil, ada=ada, bob=bob, gone=gone, host=a_person("host"))


@pytest.fixture
def left(db, over, NOON, tmp_path) -> Path:
    """The folder that the event leaves."""
    with db.reading() as session:
        leave(session, current(session, NOON), folder := tmp_path / "left")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Page(HTMLParser):
    """What a page is made of: its tags with their attributes, and the texts inside <bdi>."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.names, self.inside = [], [], False
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag == "bdi"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.names.append(data)


# Tables


def test_no_cell_begins_like_a_formula(left):
    cells = [cell for path in left.rglob("*.csv") for row in csv.reader(path.open(encoding="utf-8")) for cell in row]
    begins = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert len(cells) > 100 and [cell for cell in begins if not re.fullmatch(r"-?[\d.]+", cell)] == []
    assert "'=Bob(1)" in {row["name"] for row in rows(left / "private" / "people.csv")}


def test_the_boards_rank_the_teams_and_leave_the_disqualified_out(left):
    for split in ("public", "final"):
        board = rows(left / "results" / f"board_{split}.csv")
        assert [(row["rank"], row["team"], row["score"]) for row in board] == [
            ("1", "Owls", "2.0"), ("2", EVIL, "0.0"), ("2", "Idle", "0.0"),
        ]  # fmt: skip
        assert board[0]["03_attention/causal_mask"] == "2.0" and board[0]["reached"] == "2026-05-04T12:00:00+00:00"


def test_the_hosts_tables_have_a_row_for_everything(db, left):
    with db.reading() as session:
        for name, model in (("people", Person), ("teams", Team), ("submissions", Submission), ("verdicts", Verdict)):
            assert len(rows(left / "private" / f"{name}.csv")) == session.scalar(select(func.count(model.id)))
    (out,) = [row for row in rows(left / "private" / "teams.csv") if row["disqualified"]]
    assert (out["team"], out["disqualified"]) == ("'=Out()", "copied")
    assert rows(left / "private" / "audit_log.csv")[0]["what"] == "created the event"


def test_nothing_that_is_left_lets_somebody_in(db, left):
    with db.reading() as session:
        event = session.get(Event, 1)
        hidden = [event.secret, event.join_code, *session.scalars(select(Team.invitation))]
        hidden += session.scalars(select(Person.token_hash))
    with zipfile.ZipFile(left / leaving.ARCHIVE) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    contents += [path.read_bytes() for path in left.rglob("*") if path.is_file()]
    assert not [one for one in hidden if any(one.encode() in content for content in contents)]


def test_what_may_be_published_names_no_person(left):
    published = [left / "index.html", *(left / "results").iterdir()]
    text = "".join(path.read_text(encoding="utf-8") for path in published)
    assert "Owls" in text and not [name for name in ("Ada", "Bob", "Cutter", "=Out") if name in text]


def test_what_is_private_is_the_hosts_alone(left):
    assert stat.S_IMODE((left / "private").stat().st_mode) == 0o700


def test_a_board_that_cannot_be_made_is_said_and_costs_nothing_else(
    db, over, a_team, a_person, hand_in, NOON, tmp_path
):
    """A challenge has a public score, and its final split has not been scored."""
    team = a_team("Late")
    one = hand_in(team, a_person(team=team), task="c1", flag="passed")
    with db.session() as session:
        session.scalars(select(Verdict).where(Verdict.submission_id == one.id)).one().public = 1.0
    with db.reading() as session:
        (note,) = leave(session, current(session, NOON), tmp_path / "left")
    assert "There is no final board" in note and not (tmp_path / "left" / "results" / "board_final.csv").exists()
    assert (tmp_path / "left" / "results" / "board_public.csv").exists() and "Late" in note


def test_the_judges_ranking_is_there_once_somebody_has_rated(db, over, a_person, NOON, tmp_path):
    judge = a_person("judge")
    with db.session() as session:
        criteria = [one.name for one in current(session, NOON).settings.judging.criteria]
        session.add(Review(judge_id=judge.id, team_id=over.owls.id, place=1, state="rated", rated=NOON, to_hosts="+1"))
        session.add_all(Rating(judge_id=judge.id, team_id=over.owls.id, criterion=one, score=4) for one in criteria)
    with db.reading() as session:
        leave(session, current(session, NOON), left := tmp_path / "left")
    assert [(row["rank"], row["team"]) for row in rows(left / "results" / "judged.csv")] == [("1", "Owls")]
    assert "Judged work" in (left / "index.html").read_text(encoding="utf-8")
    assert rows(left / "private" / "reviews.csv")[0]["to_hosts"] == "'+1"
    assert len(rows(left / "private" / "ratings.csv")) == len(criteria)


# Pages


def test_pages_load_nothing_run_nothing_and_link_to_what_is_there(left):
    pages = sorted(left.rglob("*.html"))
    assert len(pages) == 6
    for path in pages:
        for tag, attributes in Page(path).tags:
            assert tag not in ("script", "img", "iframe", "link", "object", "form", "base") and "src" not in attributes
            assert "href" not in attributes or (path.parent / attributes["href"]).is_file()
        assert "url(" not in path.read_text(encoding="utf-8") and "//" not in path.read_text(encoding="utf-8")


def test_names_are_escaped_and_isolated(left):
    assert EVIL in Page(left / "index.html").names
    for path in left.rglob("*.html"):
        assert EVIL not in path.read_text(encoding="utf-8")
    listed = Page(left / "certificates" / "index.html").names
    assert {"Ada <b>", "=Bob(1)", "Owls", EVIL} <= set(listed)


# Certificates


def test_a_certificate_is_for_teams_that_handed_in_and_for_their_people(db, over, NOON):
    with db.reading() as session:
        found = certificates(session, current(session, NOON))
    assert [(one.name, one.members) for one in found] == [
        ("Owls", ("Ada <b>",)), (EVIL, ("=Bob(1)",)), ("Ada <b>", None), ("=Bob(1)", None),
    ]  # fmt: skip


def test_a_certificate_says_what_was_passed_and_no_more(left, over):
    text = (left / "certificates" / f"person-{over.ada.id}.html").read_text(encoding="utf-8")
    for said in ("Look inside 2026", "Hall 3", "4 May 2026", "Owls", "causal_mask", "handed in a write-up"):
        assert said in text
    assert "Attention" in text and ">attention<" not in text and "causal_mask, attention" not in text
    other = (left / "certificates" / f"person-{over.bob.id}.html").read_text(encoding="utf-8")
    assert "causal_mask" not in other and "solved" not in other and "write-up" not in other


@pytest.mark.parametrize(
    ("template", "starts", "said"),
    [
        ("one_day", "2027-03-05 09:00", "5 March 2027"),
        ("weekend", "2027-03-05 18:00", "5 to 7 March 2027"),
        ("weekend", "2027-04-30 18:00", "30 April 2027 to 2 May 2027"),
    ],
)
def test_the_days_are_those_of_the_place(template, starts, said):
    when = datetime.fromisoformat(starts)
    schedule = new_settings("E", "P", "Europe/Berlin", when, template, ("03_attention",)).schedule()
    assert spoken_dates(SimpleNamespace(schedule=schedule)) == said


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
@pytest.mark.parametrize("notebooks", [0, 1, 99])
def test_a_certificate_is_one_sheet_of_paper_however_much_was_passed(notebooks, tmp_path):
    from playwright.sync_api import sync_playwright

    parts = [Passed(one.title, tuple(each.id for each in one.exercises)) for one in course().notebooks[:notebooks]]
    full = Certificate("team-1.html", "W" * 40, "W" * 40, ("W" * 40,) * 6, "W" * 120, "W" * 120, "5 March 2027",
                       tuple(parts), True)  # fmt: skip
    path, _ = write_certificates([full], "E", tmp_path)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page()
        view.goto(path.as_uri())
        pdf = view.pdf(prefer_css_page_size=True)
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


# The folder and the commands


def test_a_folder_with_something_in_it_is_refused_and_left_as_it_is(db, over, NOON, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with db.reading() as session, pytest.raises(UsageError, match="is not empty"):
        leave(session, current(session, NOON), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine" and not (tmp_path / "private").exists()


def test_an_export_that_is_interrupted_leaves_nothing(db, over, NOON, tmp_path, monkeypatch):
    monkeypatch.setattr(leaving, "export_archive", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with db.reading() as session, pytest.raises(KeyboardInterrupt):
        leave(session, current(session, NOON), tmp_path / "left")
    assert not (tmp_path / "left").exists()


@pytest.fixture
def event_folder(full, settings_text, tmp_path) -> Path:
    """A folder as `host init` makes it, with a full event."""
    folder = tmp_path / "event"
    folder.mkdir()
    full.close()
    Path(full.place).rename(folder / "event.db")
    (folder / "event.toml").write_text(settings_text, encoding="utf-8")
    return folder


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["host", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def test_export_and_import_are_commands_that_say_what_to_do_next(event_folder, tmp_path):
    said = run("export", tmp_path / "left", "--event", event_folder)
    assert "You may publish these" in said and "certificates to print" in said

    said = run("import", tmp_path / "left" / leaving.ARCHIVE, "--into", tmp_path / "again")
    database = open_database(tmp_path / "again" / "event.db")
    with database.reading() as session:
        assert session.get(Event, 1).join_code in said and "2 teams" in said
    database.close()
    assert (tmp_path / "again" / "event.toml").read_text() == (event_folder / "event.toml").read_text()
    assert re.search(r"host 1's link: \S+#hookpoint_[a-z2-7]{32}", said)


def test_import_into_an_event_is_refused_in_a_line(event_folder, tmp_path):
    run("export", tmp_path / "left", "--event", event_folder)
    before = (event_folder / "event.db").read_bytes()
    said = run("import", tmp_path / "left" / leaving.ARCHIVE, "--into", event_folder, code=2)
    assert "holds an event already" in said and (event_folder / "event.db").read_bytes() == before


def test_names_in_an_archive_do_not_reach_the_terminal_as_orders(db, event, a_person, settings_text, tmp_path):
    a_person("host", name="Eve\x1b]0;owned\x07")
    with db.reading() as session:
        export_archive(session, tmp_path / "event.zip")
    said = run("import", tmp_path / "event.zip", "--into", tmp_path / "again")
    assert "Eve?]0;owned?'s link" in said and "\x1b" not in said


def test_a_refused_import_leaves_no_folder(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"no")
    assert "was not imported" in run("import", tmp_path / "bad.zip", "--into", tmp_path / "again", code=1)
    assert not (tmp_path / "again").exists()


def test_an_imported_event_may_live_in_postgresql(event_folder, postgres, tmp_path):
    run("export", tmp_path / "left", "--event", event_folder)
    run(
        "import",
        tmp_path / "left" / leaving.ARCHIVE,
        "--into",
        tmp_path / "again",
        "--database",
        url := postgres.make(),
    )
    assert (tmp_path / "again" / "database.url").read_text().strip() == url
    run("export", tmp_path / "left2", "--event", tmp_path / "again")
    assert (tmp_path / "left2" / leaving.ARCHIVE).read_bytes() == (tmp_path / "left" / leaving.ARCHIVE).read_bytes()
