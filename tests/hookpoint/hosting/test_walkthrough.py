"""One event from its making to its export, as everybody in it sees it: in browsers, against `hookpoint host serve`.

`HOOKPOINT_PICTURES=1 pytest -m browser tests/hookpoint/hosting/test_walkthrough.py` draws the pictures of the host's
guide anew, with a fuller room.
"""

import re
import shutil
from pathlib import Path

import pytest

from hookpoint.hosting.rehearsal.answers import ANSWERS
from hookpoint.hosting.rehearsal.parts import notebook_of

from .walkthrough_room import DRAWS, TITLE, Hosted, Room, draw, hookpoint, press, see, unreloaded

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
PHONE = {"width": 390, "height": 844}
MIXED = {"apply_mask": 1, "attention": 1, "attention_flops": 2}  # two wrong, one left out; the others are right
WRITEUP = (Path(__file__).parent / "data" / "walkthrough_writeup.md").read_text()


@pytest.fixture
def hosted(tmp_path):
    one = Hosted(tmp_path / "event")
    yield one
    one.stop()


@pytest.fixture
def room(hosted):
    playwright = pytest.importorskip("playwright.sync_api")
    rule = f"MAP 192.168.0.12:8000 127.0.0.1:{hosted.port}"
    with playwright.sync_playwright() as play:
        arguments = ["--no-sandbox", f"--host-resolver-rules={rule}"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield Room(browser, hosted)
        browser.close()


def test_a_whole_event(hosted, room):
    assert "Ready." in hookpoint("doctor", "--event", hosted.folder.path)
    host, board, join_link = the_host_opens(hosted, room)
    ada, bo, chen = they_form_teams(host, room, join_link)
    if DRAWS:
        room.fills()
    a_notebook_gets_its_verdicts(ada, board)
    write_ups_are_handed_in(ada, chen)
    a_question_is_answered_for_all(room, bo, chen)
    the_host_announces_and_gives_more_time(host, board, bo)
    hosted.later(minutes=112)
    the_board_is_frozen(board, ada)
    judges = [the_host_invites_a_judge(host, room, name) for name in ("Jo", "Kim", "Lee")]
    hosted.later(minutes=30)
    judging_is_opened(host)
    entries_are_rated(judges)
    the_results_are_published(host, board, ada)
    export_holds_all_of_it(hosted)
    assert not [one for one in room.wrong if "net::ERR_" not in one]  # the server was away twice


def the_host_opens(hosted, room):
    """Serves, signs in by the printed link, and puts the board on the projector."""
    printed = hosted.serve()
    host = room.signs_in(hosted.host_link)
    see(host, "What everybody is to read")
    board = room.enters(viewport={"width": 1920, "height": 1080})
    board.goto("/board?tv=1")
    see(board, hosted.code)
    box = board.locator("#join-large").bounding_box()
    assert box["y"] + box["height"] <= 1080
    draw(board, "board_before")
    return host, board, re.search(r"/j/\S+", printed)[0]


def they_form_teams(host, room, join_link):
    """One founds a team, one takes its invitation on a phone, two are matched by the host."""
    ada = room.joins(join_link, "Ada", team="Residual Rats")
    draw(ada, "team_new")
    bo = room.joins(ada.get_by_label("Link", exact=True).input_value(), "Bo", viewport=PHONE, is_mobile=True)
    see(bo, "Ada")
    chen = room.joins(join_link, "Chen", find=True)
    see(chen, "You are on the list")
    room.joins(join_link, "Dina", find=True).context.close()
    room.joins(join_link, "Eli", team="Softmax Sailors").context.close()
    host.goto("/host/teams")
    host.get_by_role("link", name="See the teams they would make").click()
    press(host, "Make this team")
    chen.reload()
    see(chen, "Dina")
    return ada, bo, chen


def a_notebook_gets_its_verdicts(page, board):
    """Through the form: what is in it is said before it is sent, and the verdicts come to the open pages."""
    chosen = {name: answers[MIXED.get(name, 0)] for name, answers in ANSWERS.items()}
    content = notebook_of({name: answer.source for name, answer in chosen.items()})
    page.goto("/submit")
    page.set_input_files("input[type=file]", {"name": "03_ours.ipynb", "mimeType": "", "buffer": content})
    see(page, "answers")
    draw(page, "submit")
    press(page, "Send")
    see(page, "The verdict of each exercise will stand here")
    with unreloaded(page, board):
        page.locator(".verdict").first.wait_for()
        see(board, "Residual Rats")
    told = dict(
        zip(
            page.locator(".verdict").evaluate_all("all => all.map(one => one.id)"),
            page.locator(".verdict").evaluate_all("all => all.map(one => one.classList[1])"),
            strict=True,
        )
    )
    assert told == {name: answer.status for name, answer in chosen.items()}
    draw(page, "verdicts")


def write_ups_are_handed_in(*pages):
    for number, page in enumerate(pages):
        page.goto("/submit?kind=writeup")
        text = WRITEUP.replace("64", str(64 + number)).encode()
        page.set_input_files("input[type=file]", {"name": "ours.md", "mimeType": "", "buffer": text})
        see(page, "The validator misses 1 thing")
        press(page, "Send")
        see(page, "What the validator says")
        assert page.locator(".findings li").count() == 1


def a_question_is_answered_for_all(room, asks, reads):
    asks.goto("/help")
    asks.get_by_label("Your question").fill("Is the mask applied before the scale or after it? We get nan.")
    asks.get_by_label("About").select_option("apply_mask")
    asks.get_by_label("Where you sit").fill("table 3, by the window")
    press(asks, "Ask")
    see(asks, "waiting")
    mentor = room.invited("mentor", "Mia")
    press(mentor, "Take it")
    mentor.get_by_label("Answer").fill(
        "Either works. You get nan from a row in which all is -inf: hide with the least finite number."
    )
    mentor.get_by_label("Show to everyone").check()
    draw(mentor, "questions")
    press(mentor, "Answer")
    see(mentor, "Answered last")
    asks.goto("/help")
    see(asks, "answered")
    draw(asks, "help_on_a_phone")
    reads.goto("/help")
    see(reads.locator("section").filter(has_text="Answered for all"), "Either works.")


def the_host_announces_and_gives_more_time(host, board, bo):
    bo.goto("/news")
    host.goto("/host")
    with unreloaded(board, bo):
        host.get_by_label("What everybody is to read").fill("Dinner is at seven, in front of the hall.")
        press(host, "Send")
        see(host, "Sent to everyone.")
        see(board, "Dinner is at seven")
        see(bo, "Dinner is at seven")
    host.get_by_label("Longer by").fill("15")
    press(host, "Extend")
    see(host, "All that is to come is 15 minutes later.")


def the_board_is_frozen(board, ada):
    """Nobody has to reload when the server is back. What is handed in now counts, and the board does not show it."""
    see(board, "Board frozen at")
    draw(board, "board_frozen")
    before = board.locator("#rows").inner_text()
    ada.goto("/submit")
    mended = notebook_of({name: answers[0].source for name, answers in ANSWERS.items()})
    ada.set_input_files("input[type=file]", {"name": "03_ours.ipynb", "mimeType": "", "buffer": mended})
    press(ada, "Send")
    with unreloaded(ada):
        see(ada, "scored")
    assert ada.locator(".verdict.passed").count() == len(ANSWERS)
    assert board.locator("#rows").inner_text() == before
    ada.goto("/team")
    see(ada, "Points, as the board froze")


def the_host_invites_a_judge(host, room, name):
    host.goto("/host/teams")
    host.get_by_label("Name", exact=True).fill(name)
    press(host, "Invite")
    see(host, "keep the projector off this page")
    return room.signs_in(host.get_by_label("Link", exact=True).input_value())


def judging_is_opened(host):
    host.goto("/host")
    see(host, "have no judge yet")
    host.locator(".light.good").nth(3).wait_for()
    draw(host, "console")
    host.goto("/host/judging")
    press(host, "Open judging")
    see(host, "ratings are in")


def entries_are_rated(judges):
    """With number keys. One judge knows a team: its entry goes to the judge who did not have it."""
    known = judges[-1]
    known.goto("/judge")
    known.get_by_text("I should not rate this entry").click()
    press(known, "Give it to another judge")
    listed = known.get_by_text("a conflict: another judge has it")  # or the next entry, for who has another one
    known.locator(".step.gone").or_(listed).first.wait_for()
    for number, judge in enumerate(judges):
        judge.goto("/judge")
        while judge.locator("#rate").count():
            rate(judge, number)
        see(judge, re.compile("that is all that you have to do|nothing to read yet"))
    see_the_score(judges[1])


def rate(judge, number: int) -> None:
    judge.locator(".criterion input").first.focus()
    better = judge.get_by_text("64 prompts").count()
    for at, key in enumerate("434352" if better else "324233"):
        judge.keyboard.press(str(min(5, int(key) + number)))
        if at == 2 and not number:
            draw(judge, "judge")
        judge.keyboard.press("Tab")
    assert not judge.get_by_text("Show the automatic score").count()
    judge.get_by_label("For the team").fill("The control is fair. Say which prompts you left out.")
    entry = judge.url
    press(judge, "Save and next")
    judge.wait_for_url(lambda url: url != entry)


def see_the_score(judge) -> None:
    judge.locator("table a").first.click()
    press(judge, "Show the automatic score")
    see(judge, "points by machine")


def the_results_are_published(host, board, ada):
    disqualified_and_back(host)
    host.goto("/host/judging")
    see(host, "How harsh the judges are")
    draw(host, "results", first="h2:text('How far it is')", last="#final + section")
    host.get_by_label("Type the name of the event").fill(TITLE)
    press(host, "Publish the final board")
    see(host, "Open: everyone sees the final board")
    see(board, "Final board")
    assert board.locator("#rows tr").filter(has_text="Residual Rats").locator(".points").inner_text() == "12"
    ada.goto("/team")
    see(ada, "The control is fair.")
    board.keyboard.press("d")
    draw(board, "board_final_dark")


def disqualified_and_back(host):
    host.goto("/host/teams")
    host.get_by_role("link", name="Softmax Sailors").click()
    host.get_by_label("Reason").fill("The answers are those of another team.")
    host.get_by_label("Type the team's name").fill("softmax sailors")
    press(host, "Disqualify")
    see(host, "is off the boards")
    host.goto("/host")
    press(host, "Reinstate")
    see(host, "is back on the boards")


def export_holds_all_of_it(hosted):
    out = hosted.folder.path.parent / "left"
    hookpoint("export", out, "--event", hosted.folder.path)
    assert "Residual Rats" in (out / "index.html").read_text()
    assert (out / "certificates").is_dir() and (out / "private" / "event.zip").is_file()
