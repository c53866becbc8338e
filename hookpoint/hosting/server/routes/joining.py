"""Coming in: joining with the event's code, a team's invitation, signing in with a token on another machine.

Whoever has joined is shown their token once, on the page after: it lies in the cookie anyway, and a second, short-lived
cookie says that it may be shown. So a reload neither joins twice nor loses it.
"""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import codes, people
from hookpoint.hosting.errors import NotAllowed, NotSignedIn
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.matching import SKILLS

from .. import auth, pages
from ..auth import At, Db, Now, Visitor
from ..forms import Fields, again
from .board import HOME, reached_at

__all__ = ["LEVELS", "about_in_form", "closed", "router", "show_token"]

router = APIRouter()
FRESH = "hookpoint_fresh"  # the cookie that lets /welcome show the token
FRESH_SECONDS = 15 * 60
LEVELS = (("0", "none, or not said"), ("1", "a little"), ("2", "well"), ("3", "very well"))
LISTS = ("languages", "wishes")  # of what matching asks for: names with commas
LONGEST_LINK = 60  # characters of a code in an address


@router.get("/join")
def join_form(request: Request, now: Now, visitor: Visitor, code: str = "", invitation: str = "") -> Response:
    how = "invited" if invitation else "new"
    typed = {"code": code[:LONGEST_LINK], "invitation": invitation[:LONGEST_LINK], "how": how}
    return pages.render(request, "join.html", **_shown(now, typed))


@router.get("/j/{code}")
def join_link(request: Request, now: Now, visitor: Visitor, code: str, invitation: str = "") -> Response:
    return join_form(request, now, visitor, code, invitation)


@router.post("/join")
def join(request: Request, db: Db, at: At, now: Now, typed: Fields) -> Response:
    try:
        token = _join(db, at, typed)
    except HookpointError as error:
        return again(request, "join.html", error, **_shown(now, typed))
    response = pages.back_to("/welcome")
    auth.sign_in(request, response, token)
    show_token(response)
    return response


def _join(db: Db, at: datetime, typed: dict[str, str]) -> str:
    how, team, invitation = typed.get("how", "new"), typed.get("team", ""), typed.get("invitation", "")
    if how == "new" and not team.strip():
        raise UsageError("Your team has no name yet. Choose one, or say that you have an invitation.")
    if how == "invited" and not invitation.strip():
        raise UsageError("The invitation is missing. Somebody of the team finds it on their team page.")
    with db.session() as session:
        _, token = people.join(
            session,
            at,
            typed.get("code", ""),
            typed.get("name", ""),
            team_name=team if how == "new" else "",
            invitation=invitation if how == "invited" else "",
            about=about_in_form(typed) if how == "match" else None,
            token=typed.get("token", ""),  # made with the page: a form that is sent twice joins once
        )
    return token


def about_in_form(typed: dict[str, str]) -> dict[str, Any]:
    """What matching is told of a person, as `people.join` takes it: only what they filled in."""
    skills = {skill: level for skill in SKILLS if (level := typed.get(f"skill {skill}", "0")) != "0"}
    lists = {name: [one.strip() for one in typed.get(name, "").split(",") if one.strip()] for name in LISTS}
    return {name: value for name, value in {"skills": skills, **lists}.items() if value}


def _shown(now: EventNow, typed: dict[str, str]) -> dict[str, Any]:
    """What the page shows: when joining opens if it is not, and what was typed."""
    typed = {"token": codes.token()} | typed
    return {"typed": typed, "closed": closed(now, "joining"), "skills": SKILLS, "levels": LEVELS}


def closed(now: EventNow, word: str) -> str:
    """Why something is not open, and when it is; nothing if it is open."""
    try:
        now.demand(word)
    except NotAllowed as error:
        return str(error)
    return ""


def show_token(response: Response) -> None:
    """Lets the next page show the token that the browser was given."""
    response.set_cookie(FRESH, "1", max_age=FRESH_SECONDS, path="/welcome", httponly=True, samesite="lax")


@router.get("/welcome")
def welcome(request: Request, visitor: Visitor) -> Response:
    """The token of whoever has joined just now, to be kept."""
    if visitor is None:
        return pages.back_to("/join")
    if FRESH not in request.cookies:
        return pages.back_to(HOME[visitor.role])
    home = HOME[visitor.role]
    return pages.render(
        request, "welcome.html", token=request.cookies[auth.COOKIE], home=home, address=reached_at(request)
    )


@router.get("/sign-in")
def sign_in_form(request: Request, visitor: Visitor) -> Response:
    return pages.render(request, "sign_in.html")


@router.post("/sign-in")
def sign_in(request: Request, db: Db, typed: Fields) -> Response:
    try:
        token = codes.token_in(typed.get("token", ""))
        with db.reading() as session:
            role = people.signed_in(session, token).role
    except (UsageError, NotSignedIn) as error:
        return again(request, "sign_in.html", error)
    response = pages.back_to(HOME[role])
    auth.sign_in(request, response, token)
    return response


@router.post("/sign-out")
def sign_out() -> Response:
    response = pages.back_to("/", "You are signed out in this browser.")
    auth.sign_out(response)
    return response
