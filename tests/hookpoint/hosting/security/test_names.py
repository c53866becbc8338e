"""Names of people, teams and files, wherever they go: pages, headers, the database, spreadsheets."""

import csv
import json
import re
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from hookpoint.hosting import event, tables
from hookpoint.hosting.store.models import Person, Submission, Team

NAMES = (
    "x\r\nSet-Cookie: a=b", "x\x00y", "\u202eslwO", "\u2066x", "Z" + "\u0301" * 200, "\ud800", "a" * 500, "\u200b",
    "..", "../../x", "=1+1", "Owls ", "оwls", "\U000e0041", "\ufeff",
)  # fmt: skip
UNSEEN = "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"


@pytest.mark.parametrize("name", NAMES)
def test_whatever_name_somebody_chooses_is_kept_plain_or_refused(world, name):
    body = json.dumps({"code": world.join_code, "name": name, "team": name})

    world.program("nobody").post("/api/join", content=body, headers={"Content-Type": "application/json"})

    with world.db.reading() as session:
        names = {*session.scalars(select(Person.name)), *session.scalars(select(Team.name))}
        assert session.scalar(select(func.count()).where(Team.folded == "owls")) == 1
    for one in names:
        assert not re.search(UNSEEN, one)
        assert len(one) <= 40 and not re.search("\u0301{5}", one)


FILES = (
    "../../etc/passwd.md", "..\\..\\x.md", "a\r\nX-Y: z.md", "\u202edm.exe.md", "a\x00.md", "C:\\x.md",
    "/etc/passwd.md",
    "=cmd|' /C calc'!A0.md", "e\u0301" * 500 + ".md", "<script>boom()</script>.md", 'a".md', "~/.ssh/x.md", "-rf.md",
    "\x1b[2J.md",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_name_of_a_file_is_one_plain_line_and_no_path(world, name):
    headers = {"Hookpoint-File-Name": quote(name), "Hookpoint-Kind": "writeup"}
    sent = world.program("eve").post("/api/submissions", content=b"# One more\n", headers=headers)
    page = world.browser("eve").get(f"/team/submissions/{sent.json()['submission']}")

    with world.db.reading() as session:
        kept = session.get(Submission, sent.json()["submission"]).file_name
    assert sent.status_code == 201 and page.status_code == 200 and "x-y" not in page.headers
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e/\\\\]", kept) and len(kept) <= 120
    assert "<script>boom" not in page.text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\t=", " ="])
def test_no_cell_of_an_export_is_a_formula(world, start):
    """Names of teams and people, and what hosts wrote of them."""
    name = f"{start}HYPERLINK(1)"
    world.browser().send("/join", code=world.join_code, name=name, team=name, how="new")
    host = world.browser("host")
    host.send("/host/announce", text=name, audience="everyone")
    for number in range(1, 10):
        host.send(f"/host/teams/{number}/disqualify", confirm=name.strip(), reason=name)
    with world.db.reading() as session:
        found = [one.name for one in tables.private_tables(session, event.current(session, world.app.state.clock()))]
    exported = "\n".join(host.get(f"/host/export/{one}.csv").text for one in [*found, "board_public"])

    cells = [cell for row in csv.reader(exported.splitlines()) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if re.match("\\s*([=+@\uff1d]|-\\D)", cell)] == []
