"""Pages from templates. Everything that a template shows is escaped; what it may use without being given stands here.

Beside the values of the page: `now` (the event, `now.settings.title`), `person` (or None), `request`, `csrf()` (the
hidden field of a form), `said` (the line that `back_to` left), `nav` (where this person can go), and the filters
`clock`, `day`, `points` and `lasting`. `macros.html` has forms, tables and the rest of what pages are made of.
"""

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import escape

from hookpoint.hosting import shown

from . import auth, csrf

__all__ = ["back_to", "bare", "render"]

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
SAID = "hookpoint_said"  # a cookie: one line for the next page
LONGEST_SAID = 600  # characters
NAV = {
    "participant": (
        ("/team", "Team"),
        ("/submit", "Submit"),
        ("/challenges", "Challenges"),
        ("/board", "Board"),
        ("/problems", "Problems"),
        ("/news", "News"),
        ("/help", "Help"),
    ),
    "judge": (("/judge", "Judging"), ("/board", "Board"), ("/news", "News")),
    "mentor": (("/help", "Questions"), ("/challenges", "Challenges"), ("/board", "Board"), ("/news", "News")),
    "host": (
        ("/host", "Host"),
        ("/help", "Questions"),
        ("/news", "News"),
        ("/challenges", "Challenges"),
        ("/board", "Board"),
    ),
    "": (("/board", "Board"), ("/challenges", "Challenges"), ("/news", "News"), ("/join", "Join")),
}
BARE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="/static/site.css"></head>
<body><main id="main"><h1>{title}</h1><p>{said}</p><p><a href="/">Try again</a></p></main></body></html>
"""


def render(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of this template, and with it the cookies that its forms rely on."""
    seen = auth.seen(request)
    said = _said(request)
    common = {
        "request": request,
        "now": seen.now,
        "timer": shown.timer(seen.now) | {"left": seen.now.now.seconds},
        "person": seen.person,
        "nav": _nav(seen),
        "csrf": partial(csrf.hidden_field, request),
        "said": said,
    }
    page = ENVIRONMENT.get_template(name).render(common | values)
    response = HTMLResponse(page, status)
    csrf.keep(request, response)
    if said:
        response.delete_cookie(SAID)
    return response


def _nav(seen: auth.Seen) -> list[tuple[str, str]]:
    """Where this person can go; to challenges where there are any."""
    pages = NAV[seen.person.role if seen.person else ""]
    return [page for page in pages if page[0] != "/challenges" or seen.now.settings.challenges]


def bare(title: str, said: str, status: int) -> HTMLResponse:
    """A page that needs nothing of the event, for when that cannot be read."""
    return HTMLResponse(BARE.format(title=escape(title), said=escape(said)), status)


def back_to(path: str, said: str = "") -> RedirectResponse:
    """Sends the browser to a page of ours after a form, which shows `said` once."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        raise ValueError(f"{path!r} is no path of this server")
    response = RedirectResponse(path, 303)
    if said:
        kept = base64.urlsafe_b64encode(said[:LONGEST_SAID].encode("utf-8", "replace")).decode()
        response.set_cookie(SAID, kept, max_age=60, httponly=True, samesite="lax")
    return response


def _said(request: Request) -> str:
    try:
        return base64.urlsafe_b64decode(request.cookies.get(SAID, "")).decode("utf-8")[:LONGEST_SAID]
    except (binascii.Error, ValueError):
        return ""


@pass_context
def _clock(context: Context, at: datetime | float | None) -> str:
    """The time by the clock of the place: 18:05, with the day where it is another one than today."""
    if at is None:
        return ""
    schedule = context["now"].schedule
    local = schedule.local(at if isinstance(at, datetime) else datetime.fromtimestamp(at, schedule.zone))
    today = schedule.local(context["now"].at).date()
    if local.date() == today:
        return local.strftime("%H:%M")
    near = abs(local.date() - today) < timedelta(days=6)
    return local.strftime("%a %H:%M" if near else "%d %b %H:%M")


@pass_context
def _day(context: Context, at: datetime) -> str:
    """The day by the calendar of the place: Saturday 5 March."""
    local = context["now"].schedule.local(at)
    return f"{local:%A} {local.day} {local:%B}"


def points(value: float) -> str:
    """Points as people read them: whole where they are whole, else with one digit."""
    rounded = round(value, 1)
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"


def lasting(seconds: float | None) -> str:
    """How long something takes, in the two largest units: 3 h 20 min, 45 s."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days {hours % 24} h" if hours % 24 else f"{hours // 24} days"


@cache
def static(name: str) -> str:
    """The address of a file in `static/`, another one whenever the file is: browsers may keep it for good."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"clock": _clock, "day": _day, "points": points, "lasting": lasting}
    made.globals["static"] = static
    return made


ENVIRONMENT = _environment()
