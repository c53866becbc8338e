"""Nothing that people type or hand in ever runs in a browser, on any page of any role, or fetches from elsewhere.

The browser is told to ignore our Content-Security-Policy: what is tested is that text stays text. Needs Chromium.
"""

import base64
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest

from hookpoint.hosting import event as events
from hookpoint.hosting import leaving, news, people, questions
from hookpoint.hosting.intake import SubmissionIn
from hookpoint.hosting.server import auth
from hookpoint.hosting.server.app import create_app

from ..server.test_browser import CHROMIUM, PATIENCE, Served, chromium
from .conftest import Said, World, a_notebook_of, templated
from .test_roles import PAGES, filled

__all__ = ["chromium", "filled"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
IN_NAME = "<img src=x onerror=canary(1)>"
ATTACKS = (
    "<script>canary(2)</script>", "<img src=//evil.example/a onerror=canary(3)>", '"><svg onload=canary(4)>',
    "'><iframe src='javascript:parent.canary(5)'></iframe>", "</textarea></pre></script><script>canary(6)</script>",
    '" autofocus onfocus="canary(7)" x="', "<style>@import url(//evil.example/b)</style>",
    "<link rel=stylesheet href=//evil.example/c>", "<base href=//evil.example/>", "{{7*7}}${canary(8)}",
    "<meta http-equiv=refresh content='0;url=//evil.example/d'>", "\x00\x1b]0;<script>canary(9)</script>",
)  # fmt: skip
MARKDOWN = r"""
# A study <script>canary(20)</script>

## Claim

[a](javascript:canary(21)) [b]( jAvAsCrIpT:canary(22)) [c](data:text/html,<script>canary(23)</script>)
[d](//evil.example/e) <javascript:canary(24)> <http://evil.example/f> ![e](//evil.example/g "h")
![i](x" onerror="canary(25)) ![j](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9Y2FuYXJ5KDI2KT4=)
![k](data:image/png;base64,iVBORw0KGgo=" onerror="canary(27)) ![<img src=x onerror=canary(28)>](attachment:a.png)
![l](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==) [m]: javascript:canary(29) "n"

`<img src=x onerror=canary(30)>` <!-- --><img src=x onerror=canary(31)><!-- <![CDATA[<script>canary(32)</script>]]>

```<script>canary(33)</script> onclick=canary(34)
</code></pre><img src=x onerror=canary(35)>
```

| a <img src=x onerror=canary(36)> | b |
|---|---|
| <svg onload=canary(37)> | ~~<img src=x onerror=canary(38)>~~ |

<details open ontoggle=canary(39)> <math><mi xlink:href="javascript:canary(40)">x</mi></math>
&lt;img src=x onerror=canary(41)&gt; &#60;script&#62;canary(42)&#60;/script&#62;
"""


def notebook_of_attacks() -> bytes:
    """A write-up as a notebook: all of its cells, outputs and attachments attack."""
    html, svg = "<img src=x onerror=canary(50)><script>canary(51)</script>", "<svg onload=canary(52)></svg>"
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    data = [
        {"text/html": html}, {"image/svg+xml": svg}, {"application/javascript": "canary(53)"}, {"image/jpeg": html},
        {"image/png": f'{png}" onerror="canary(54)'}, {"image/png": [png, html]}, {"text/markdown": MARKDOWN},
        {"text/latex": r"\href{javascript:canary(55)}{x}"}, {"text/plain": [html, ATTACKS[4]]},
    ]  # fmt: skip
    outputs = [{"output_type": "display_data", "data": one, "metadata": {}} for one in data]
    outputs += [
        {"output_type": "stream", "name": html, "text": html},
        {"output_type": "error", "ename": html, "evalue": html, "traceback": [html]},
    ]
    code = {"cell_type": "code", "metadata": {}, "execution_count": None, "source": html, "outputs": outputs}
    text = {
        "cell_type": "markdown",
        "metadata": {},
        "source": MARKDOWN,
        "attachments": {'a.png" onerror="canary(56)': {"image/png": png}},
    }
    raw = {"cell_type": "raw", "metadata": {"format": "text/html"}, "source": html}
    return json.dumps({"cells": [text, code, raw], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


class Attacking(Said):
    """Everybody types scripts wherever something can be typed."""

    def __init__(self, small):
        super().__init__(small)
        self.notebook = a_notebook_of(small, "<img src=x onerror=canary(60)></pre><script>canary(61)</script>")

    def name(self, name):
        return f"{name}{IN_NAME}"

    def text(self, text):
        return f"{text} {' '.join(ATTACKS)}"

    def paper(self, team):
        if team == "owls":
            return SubmissionIn(f"{IN_NAME}.md", MARKDOWN.encode(), "writeup")
        return SubmissionIn(f"{IN_NAME}.ipynb", notebook_of_attacks(), "writeup")


@pytest.fixture(scope="module")
def template(tmp_path_factory, master_file, settings_text, NOON, small):
    settings = settings_text.replace("Look inside 2026", IN_NAME).replace("Hall 3", IN_NAME)
    return templated(tmp_path_factory.mktemp("attacked") / "event.db", master_file, settings, NOON, Attacking(small))


@pytest.fixture
def world(template, tmp_path, NOON):
    behind = datetime.now(UTC) - NOON
    one = World(template, tmp_path, NOON, lambda db, clock: create_app(db, clock=lambda: datetime.now(UTC) - behind))
    one.app.state.hub.pause = 0.05
    yield one
    one.db.close()


@pytest.fixture
def tab(world, chromium):
    """`tab("ada")`: a tab of theirs. Afterwards: no script of theirs has run, and no other host has been asked."""
    served, opened, called, asked = Served(world.app), [], [], []
    served.start()

    def make(who: str):
        context = chromium.new_context(base_url=served.url, bypass_csp=True)
        context.expose_function("canary", lambda number: called.append(number))
        context.on("request", lambda request: asked.append(request.url))
        if who in world.tokens:
            context.add_cookies([{"name": auth.COOKIE, "value": world.tokens[who], "url": served.url}])
        opened.append(context)
        return context.new_page()

    yield make
    for context in opened:
        context.pages[0].wait_for_timeout(100)  # what waits to run may run
        context.close()
    served.stop()
    assert called == []
    assert {urlsplit(url).hostname for url in asked if not url.startswith("data:")} == {"127.0.0.1"}


def test_the_canary_sings_if_a_script_does_run(chromium):
    """Else the tests below could not fail."""
    page, called = chromium.new_context(bypass_csp=True).new_page(), []
    page.expose_function("canary", lambda number: called.append(number))
    page.goto("about:blank")

    page.set_content(f"{IN_NAME}{''.join(ATTACKS[:3])}")
    page.wait_for_timeout(200)
    page.context.close()

    assert {1, 2, 3, 4} <= set(called)


@pytest.mark.parametrize("who", ["nobody", "alone", "ada", "eve", "mentor", "judge", "other", "host"])
def test_no_page_of_any_role_runs_what_people_typed(tab, world, filled, who):
    page, shown = tab(who), ""
    paths = [path for path, allowed in PAGES.items() if who in allowed.split()]
    for path in paths:
        if path.endswith((".csv", ".md", ".ipynb", ".zip")):
            continue
        page.goto(filled(path))
        shown += page.locator("body").text_content()

    assert shown.count(IN_NAME) > 5  # as text: it was there to run


@pytest.mark.parametrize("who", ["judge", "other"])
def test_no_write_up_runs_in_front_of_its_judges(tab, world, who):
    page, read = tab(who), ""
    page.goto("/judge/list")
    links = page.locator("a[href^='/judge/']").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    for path in {one for one in links if re.fullmatch(r"/judge/\d+", one)}:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        article = page.locator("article.writeup")
        read += article.text_content()
        assert (
            article.locator("a:not([href^='#']), iframe, object, embed, form, input, svg, style, link, base").count()
            == 0
        )
        sources = article.locator("img").evaluate_all("all => all.map((one) => one.getAttribute('src'))")
        assert all(re.fullmatch(r"data:image/(png|jpeg);base64,[\w+/=]+", one) for one in sources)

    assert "onerror=canary(31)" in read or "onerror=canary(50)" in read


def test_what_comes_in_while_a_page_is_open_does_not_run_either(tab, world, NOON):
    """The scripts of the pages draw the board and fetch parts of pages by themselves."""
    pages = {
        path: tab(who) for path, who in (("/board", "nobody"), ("/team", "ada"), ("/help", "mentor"), ("/host", "host"))
    }
    for path, page in pages.items():
        page.goto(path)
    pages["/board"].locator("#announcements[data-drawn]").wait_for(state="attached", timeout=PATIENCE)

    with world.db.session() as session:
        ada, host = (people.signed_in(session, world.tokens[who]) for who in ("ada", "host"))
        at = events.current(session, NOON).at
        news.announce(session, host, f"Fresh {' '.join(ATTACKS)}", "everyone", True, at)
        people.join(session, at, world.join_code, f"Ned{IN_NAME}", team_name=f"New{IN_NAME}")
        questions.ask(session, ada, f"Fresh {' '.join(ATTACKS)}", IN_NAME, IN_NAME, at)

    pages["/board"].get_by_text("Fresh <script>").first.wait_for(timeout=PATIENCE)
    pages["/help"].get_by_text("Fresh <script>").first.wait_for(timeout=PATIENCE)
    pages["/team"].goto("/news")
    pages["/team"].get_by_text("Fresh <script>").first.wait_for(timeout=PATIENCE)


ECHOES = (
    "/join?code={}", "/join?invitation={}", "/j/{}", "/help?about={}", "/board?from={}", "/board?tv={}",
    "/submit?kind={}", "/sign-in#{}", "/{}", "/static/{}", "/host/match?seed={}",
)  # fmt: skip


@pytest.mark.parametrize("path", ECHOES)
def test_what_stands_in_an_address_does_not_run(tab, path):
    page = tab("host" if "host" in path else "ada")
    for attack in (ATTACKS[2], ATTACKS[4], ATTACKS[5], "javascript:canary(70)"):
        page.goto(path.format(quote(attack, safe="")))


TYPED_INTO = (
    ("ada", "/team", "/team/rename"), ("ada", "/help", "/help"), ("nobody", "/join", "/join"),
    ("nobody", "/sign-in", "/sign-in"), ("host", "/host", "/host/announce"), ("host", "/host/teams", "/host/people"),
    ("host", "/host/judging", "/host/judging/open"),
)  # fmt: skip


def test_what_was_typed_and_refused_does_not_run_when_it_is_shown_again(tab, world):
    """A name that is too long, an answer that is empty: the page comes back with what was typed."""
    long = f"{ATTACKS[5]}{ATTACKS[2]}{ATTACKS[4]}" * 3
    for who, path, action in TYPED_INTO:
        page = tab(who)
        page.goto(path)
        with page.expect_navigation():
            page.evaluate("""([action, text]) => {
                const form = document.querySelector(`form[action="${action}"]`);
                for (const one of form.querySelectorAll("input:not([type=hidden]), textarea")) {
                  if (one.tagName === "TEXTAREA") one.value = text.repeat(12);
                  else if (one.type === "text") one.value = text;
                }
                form.submit();
            }""", [action, long])  # fmt: skip
        assert page.locator(".flash.trouble, [aria-invalid]").count(), path


@pytest.mark.parametrize("name", [f"{IN_NAME}.ipynb", f"{IN_NAME}.md"])
def test_a_file_that_is_looked_at_before_it_is_sent_does_not_run(tab, world, small, name):
    page = tab("eve")
    content = MARKDOWN.encode() if name.endswith("md") else a_notebook_of(small, "<img src=x onerror=canary(80)>")
    page.goto("/submit")

    page.set_input_files("input[type=file]", {"name": name, "mimeType": "text/html", "buffer": content})
    page.locator("#found code.hash").wait_for(timeout=PATIENCE)
    with page.expect_navigation():
        page.click("#submit button[type=submit]")

    assert IN_NAME in page.locator("main").text_content()


def test_no_page_of_an_export_runs_it_where_no_server_stands_before_it(world, chromium, tmp_path, NOON):
    """Certificates and results are opened as files."""
    with world.db.reading() as session:
        leaving.leave(session, events.current(session, NOON), tmp_path / "left")
    page, called, pages = chromium.new_context().new_page(), [], sorted((tmp_path / "left").rglob("*.html"))
    page.expose_function("canary", lambda number: called.append(number))

    shown = ""
    for path in pages:
        page.goto(path.as_uri())
        shown += page.locator("body").text_content()
    page.wait_for_timeout(100)
    page.context.close()

    assert called == [] and shown.count(IN_NAME) > 3
