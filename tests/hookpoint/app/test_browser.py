"""The pages in a real browser, as a learner uses them. Needs Chromium on this machine; nothing is downloaded.

`HOOKPOINT_PICTURES=1 pytest -m browser tests/hookpoint/app -k picture` draws the README's pictures anew.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hookpoint.app.launch import command

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
PICTURES = Path(__file__).resolve().parents[3] / "hookpoint" / "docs" / "pictures"
PATIENCE = 60_000  # milliseconds, for the first import of torch in a check

# The sizes in pixels of all text that can be seen, the components' shadow trees included.
TEXT_SIZES = """() => {
  const sizes = [], walk = (node) => {
    for (const child of node.childNodes) {
      if (child.nodeType === 3 && child.textContent.trim() && node.getClientRects?.().length
          && !node.closest(".katex, [data-testid=stIconMaterial]"))
        sizes.push(parseFloat(getComputedStyle(node).fontSize));
      if (child.nodeType === 1 && !["STYLE", "SCRIPT", "TITLE"].includes(child.tagName.toUpperCase())) walk(child);
    }
    if (node.shadowRoot) walk(node.shadowRoot);
  };
  walk(document.querySelector(".stMain"));
  return sizes;
}"""


@pytest.fixture
def address(learner):
    """The address of the app, running on the learner's workspace."""
    yield from served()


def served():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with open("app.log", "w") as log:
        process = subprocess.Popen(command(port), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until_healthy(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def wait_until_healthy(url: str, process: subprocess.Popen, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The app did not start:\n{Path('app.log').read_text()}")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A tab; in the end, all that it asked for must have been asked of this machine."""
    tab, asked = browser.new_page(viewport={"width": 1280, "height": 900}), []
    tab.on("request", lambda request: asked.append(request.url))
    yield tab
    tab.close()
    elsewhere = [url for url in asked if urlsplit(url).hostname not in ("127.0.0.1", None)]
    assert asked and not elsewhere


def see(page, text: str):
    """Wait until the text is on the page."""
    place = page.get_by_text(text).first
    place.wait_for(timeout=PATIENCE)
    return place


@pytest.fixture
def stuck(learner):
    """A learner who has passed notebook 02 and whose saved `causal_mask` has a slip that was checked before."""
    learner.passes("embed", "pos_embed", "layer_norm", "mlp")
    learner.types("causal_mask", learner.slip)
    learner.checks("causal_mask", "failed", "An older message.")
    return learner


def test_from_the_picture_to_a_hint_and_a_check_that_names_the_slip(stuck, address, page):
    page.goto(address)
    see(page, "Next: ")
    page.locator('a.box.failing[data-exercise="causal_mask"]').click()
    page.wait_for_url(f"{address}/notebooks?exercise=causal_mask", timeout=PATIENCE)

    page.get_by_role("button", name="Open hint 1").click()
    see(page, "Rung 1 of causal_mask")
    page.get_by_role("button", name="Check now").click()

    message = see(page, "Your numbers are exactly what you get when the triangle starts at the top left")
    assert message.evaluate("node => node.tagName") == "B"
    page.reload()
    see(page, "starts at the top left")


def test_a_change_on_disk_is_shown_without_a_click(stuck, address, page):
    page.goto(f"{address}/notebooks?exercise=causal_mask")
    see(page, "An older message.")

    stuck.checks("causal_mask", "failed", "A newer message.")

    see(page, "A newer message.")


def test_the_keyboard_opens_an_exercise_from_the_bar(stuck, address, page):
    page.goto(address)
    segment = page.locator('.bar a[data-exercise="gpt2"]')
    segment.wait_for(timeout=PATIENCE)
    segment.focus()

    page.keyboard.press("Enter")

    page.wait_for_url(f"{address}/notebooks?exercise=gpt2", timeout=PATIENCE)


@pytest.mark.parametrize(
    ("path", "last"),
    [("", "solid boxes are yours"), ("notebooks?exercise=causal_mask", "Open hint 1")],
    ids=["start", "notebooks"],
)
def test_at_800_pixels_nothing_is_cut_and_no_text_is_tiny(stuck, address, page, path, last):
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"{address}/{path}")
    see(page, last)
    page.wait_for_timeout(1000)

    sizes = page.evaluate(TEXT_SIZES)

    assert len(sizes) > 20 and min(sizes) >= 12
    assert page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")


@pytest.fixture
def built(builder):
    """The address of the app for a learner who has passed a whole GPT-2; its MLP is not quite ours."""
    builder.solves("embed", "pos_embed", "layer_norm", "gelu_new", "mlp", "attn_pattern", "attention", "block", "gpt2")
    builder.spoils("mlp", "_f = MLP.forward\nMLP.forward = lambda self, x: 2 * _f(self, x)")
    yield from served()


def test_a_click_on_a_chip_swaps_yours_for_ours(built, page):
    page.goto(f"{built}/your_gpt2")
    see(page, "more than rounding")
    chip = page.locator('button.chip[data-press="mlp"]')
    assert "yours" in chip.inner_text()

    chip.click()

    page.locator('button.chip.switched[data-press="mlp"]').wait_for(timeout=PATIENCE)
    page.wait_for_url("**/your_gpt2?**ours=mlp**")
    assert page.get_by_text("more than rounding").count() == 0


def test_heads_and_tokens_are_walked_through_by_keyboard_without_asking_python(built, page):
    page.goto(f"{built}/your_gpt2?view=Attention&ours=mlp")
    title = page.locator("h4.title")
    page.locator(".heads .head[aria-selected=true]").focus()
    page.keyboard.press("Home")
    title.filter(has_text="Layer 0, head 0").wait_for(timeout=PATIENCE)

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    title.filter(has_text="Layer 1, head 1").wait_for(timeout=1000)
    page.locator(".query[aria-pressed=true]").focus()
    page.keyboard.press("ArrowUp")

    title.filter(has_text="·ball looks at").wait_for(timeout=1000)
    assert page.locator(".heads [tabindex='0']").count() == 1


def test_a_story_is_played_step_by_step_and_a_token_shows_what_else_could_have_come(built, page):
    page.goto(f"{built}/your_gpt2?view=Generate&ours=mlp")
    tokens = page.locator("[data-frame]")
    tokens.first.wait_for(timeout=PATIENCE)
    count = tokens.count()

    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Stop").click()
    assert page.locator("[data-frame]:visible").count() < count
    page.get_by_role("button", name="Show all").click()
    tokens.first.click()

    assert "Instead:" in page.locator(".tip", has_text="Instead").inner_text()
    assert page.locator("[data-frame]:visible").count() == count and page.locator(".frame .chosen").count() == 1


def test_no_view_is_cut_at_800_pixels_or_has_tiny_text(built, page):
    page.set_viewport_size({"width": 800, "height": 900})
    last = {
        "Attention": "Every head",
        "Generate": "Show all",
        "Tokens": "Decoded",
        "Speed": "same text",
        "Loss": "Mean",
    }
    for view, words in last.items():
        page.goto(f"{built}/your_gpt2?view={view}")
        see(page, words)
        page.wait_for_timeout(500)

        sizes = page.evaluate(TEXT_SIZES)

        assert len(sizes) > 50 and min(sizes) >= 12, view
        assert page.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth"), view


def test_a_new_prompt_is_on_the_page_within_a_second(built, page):
    page.goto(f"{built}/your_gpt2?ours=mlp")
    page.locator(".bars .row").first.wait_for(timeout=PATIENCE)
    box = page.get_by_label("Prompt")
    box.fill("The school in Madrid is in")
    began = time.monotonic()

    box.press("Enter")
    page.locator(".bars .row").first.filter(has_text="·Spain").wait_for(timeout=PATIENCE)

    assert time.monotonic() - began < 1.0


PATCHING = 'table[aria-label^="activation patching"]'


def cell(page, row: int, column: int):
    """A cell of the patching grid."""
    return page.locator(PATCHING).locator("tbody tr").nth(row).locator(".cell").nth(column)


@pytest.fixture
def microscope(address, page):
    """The tab with the Microscope on its first example, and how long it took to come."""
    began = time.monotonic()
    page.goto(f"{address}/microscope")
    page.locator(PATCHING).wait_for(timeout=PATIENCE)
    page.seconds = time.monotonic() - began
    return page


def test_a_click_patches_and_escape_takes_it_back(microscope):
    see(microscope, "nothing exchanged")

    cell(microscope, 0, 10).click()
    microscope.locator(".said", has_text="100 % restored").wait_for(timeout=PATIENCE)
    cell(microscope, 1, 14).click(modifiers=["Shift"])
    see(microscope, "layer 0 at ·Bob + layer 1 at ·to put back")
    microscope.keyboard.press("Escape")

    see(microscope, "nothing exchanged")
    assert microscope.locator(f"{PATCHING} .cell[aria-pressed=true]").count() == 0


def test_the_patching_grid_is_one_tab_stop_and_is_used_by_keyboard(microscope):
    assert microscope.locator(f"{PATCHING} .cell[tabindex='0']").count() == 1
    microscope.locator(f"{PATCHING} .cell[tabindex='0']").focus()
    microscope.keyboard.press("ArrowDown")
    status = microscope.locator(".tip", has_text="layer 1, ·to: 100 % restored on this prompt")
    status.wait_for(timeout=1000)
    assert status.get_attribute("role") == "status"

    microscope.keyboard.press("Enter")
    see(microscope, "layer 1 at ·to put back")
    microscope.keyboard.press("ArrowUp")
    microscope.keyboard.press("Space")

    see(microscope, "layer 1 at ·to + layer 0 at ·to put back")
    focused = "document.activeElement.shadowRoot.activeElement.ariaLabel"
    assert "layer 0, ·to" in microscope.evaluate(focused)


def test_the_microscope_is_quick(microscope):
    """Prints what a person waits for; what it may be on a machine that does nothing else is in the learner's guide."""
    took = {"first page with the start of the process": microscope.seconds}

    def timed(what: str, act, words: str) -> None:
        began = time.monotonic()
        act()
        see(microscope, words)
        took[what] = time.monotonic() - began

    for number, (row, column, words) in enumerate(
        [(0, 10, "0 at ·Bob put"), (1, 14, "1 at ·to put"), (2, 14, "2 at ·to")]
    ):
        timed(f"click {number + 1}", cell(microscope, row, column).click, words)
    answer = microscope.get_by_label("Answer")
    answer.fill("John")
    timed("another answer", lambda: answer.press("Enter"), "so there is no mean")

    print(
        f"\nload {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        *(f"{what}: {seconds:.2f} s" for what, seconds in took.items()),
        sep="\n",
    )
    assert sorted(seconds for what, seconds in took.items() if what.startswith("click"))[1] < 1.0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_microscope_is_whole_at_800_pixels(address, browser, scheme):
    tab = browser.new_page(viewport={"width": 800, "height": 900}, color_scheme=scheme)
    tab.goto(f"{address}/microscope?view=QK and OV")
    see(tab, "Copying")
    tab.wait_for_timeout(500)

    sizes = tab.evaluate(TEXT_SIZES)

    assert len(sizes) > 200 and min(sizes) >= 12
    assert tab.evaluate("document.querySelector('.stMain').scrollWidth <= innerWidth")
    tab.close()


@pytest.mark.skipif("HOOKPOINT_PICTURES" not in os.environ, reason="draws files; set HOOKPOINT_PICTURES=1")
def test_pictures_for_the_readme(learner, monkeypatch, tmp_path, browser):
    """The real course on a day when the notebooks before 03 are done and `causal_mask` has its usual slip."""
    from hookpoint.content.course import course
    from hookpoint.content.progress import open_hint
    from hookpoint.content.workspace import create

    monkeypatch.delenv("HOOKPOINT_COURSE")
    shutil.rmtree(learner.workspace)
    create(learner.workspace)
    learner.passes(*(e.id for e in course().exercises if e.notebook < "03"))
    gap, body = "# YOUR CODE HERE\n    raise NotImplementedError()", learner.slip.splitlines()[-1].strip()
    learner.types("causal_mask", course().exercise("causal_mask").stub.replace(gap, body))
    subprocess.run([sys.executable, "-m", "hookpoint", "check", "causal_mask"], capture_output=True)
    open_hint(learner.workspace, "causal_mask", 1)
    for url in served():
        for name, path in {"start": "", "notebooks": "notebooks?exercise=causal_mask"}.items():
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(f"{url}/{path}")
            see(tab, "starts at the top left")
            tab.wait_for_timeout(1500)
            tab.screenshot(path=PICTURES / f"app_{name}.png")
            assert (PICTURES / f"app_{name}.png").stat().st_size < 200_000


@pytest.mark.skipif("HOOKPOINT_PICTURES" not in os.environ, reason="draws files; set HOOKPOINT_PICTURES=1")
def test_picture_of_your_gpt2_for_the_readme(builder, browser):
    """A learner whose attention is not whole yet, and what their model writes."""
    from hookpoint.app.yours.choice import RUNS
    from hookpoint.content.course import course

    left = ("weighted_values", "combine_heads", "attention", "block", "beam_search", "generate_cached", "cache_bytes")
    builder.solves(*(e.id for e in course().exercises if e.id in RUNS and e.id not in left))
    for url in served():
        tab = browser.new_page(viewport={"width": 1280, "height": 1180})
        tab.goto(f"{url}/your_gpt2?view=Attention")
        see(tab, "to ours on this prompt")
        tab.wait_for_timeout(1500)
        tab.screenshot(path=PICTURES / "app_your_gpt2.png")
        assert (PICTURES / "app_your_gpt2.png").stat().st_size < 200_000


@pytest.mark.skipif("HOOKPOINT_PICTURES" not in os.environ, reason="draws files; set HOOKPOINT_PICTURES=1")
def test_picture_of_the_microscope_for_the_readme(address, browser):
    """Two cells of the patching grid put back, on the first example."""
    from PIL import Image

    tab = browser.new_page(viewport={"width": 1280, "height": 1880})
    tab.goto(f"{address}/microscope")
    tab.locator(PATCHING).wait_for(timeout=PATIENCE)
    cell(tab, 1, 10).click()
    see(tab, "layer 1 at ·Bob put back")
    cell(tab, 1, 14).click(modifiers=["Shift"])
    see(tab, "layer 1 at ·Bob + layer 1 at ·to put back")
    tab.wait_for_timeout(1500)
    tab.screenshot(path=PICTURES / "app_microscope.png")
    with Image.open(PICTURES / "app_microscope.png") as picture:
        small = picture.convert("RGB").quantize(128)
    small.save(PICTURES / "app_microscope.png", optimize=True)
    assert (PICTURES / "app_microscope.png").stat().st_size < 200_000
