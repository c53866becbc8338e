"""What other sites may try in a person's browser: forms, cookies that they planted, and frames."""

import re

import pytest

from hookpoint.hosting.server import auth, csrf

from .test_roles import FORMS, PAGES, filled, first

__all__ = ["filled"]


def test_a_form_wants_the_token_of_the_very_browser_that_sends_it(world, filled):
    """None, an empty one, another person's, a visitor's, the event's secret; and the bearer is no cookie."""
    ada, visitor = world.browser("ada"), world.browser()
    taken = csrf.token_for(world.secret, world.tokens["eve"])
    wrong = ({}, {"csrf": ""}, {"csrf": taken}, {"csrf": csrf.token_for(world.secret, "")}, {"csrf": world.secret},
             {"csrf": csrf.token_for(world.secret, "0123456789abcdef" * 2)})  # fmt: skip
    before = world.rows()

    for form in wrong:
        assert ada.post("/team/rename", data={"name": "Stolen", **form}).status_code == 403
        in_address = ada.post("/team/rename", params=form, data={"name": "Stolen"})
        assert in_address.status_code == 403
    with_bearer = visitor.post("/team/rename", data={"name": "Stolen"}, headers=world.program("ada").headers)
    own = csrf.token_for(world.secret, "0123456789abcdef" * 2)
    both = visitor.post("/team/rename", data={"name": "Stolen", "csrf": own}, headers=world.program("ada").headers)
    assert (with_bearer.status_code, both.status_code) == (403, 401)
    assert world.rows() == before


def test_a_cookie_that_somebody_else_put_there_is_worth_nothing_after_joining(world):
    """Fixation: who chose the visitor's cookie knows its forms' token, but not that of whoever then joins."""
    planted = "feedfeedfeedfeed" * 2
    known = csrf.token_for(world.secret, planted)
    victim = world.browser()
    victim.cookies.clear()
    victim.cookies.set(csrf.FORM_COOKIE, planted)
    joined = victim.post(
        "/join", data={"csrf": known, "code": world.join_code, "name": "Vic", "team": "Victims", "how": "new"}
    )

    assert joined.status_code == 303 and victim.get("/team").status_code == 200
    assert victim.post("/team/rename", data={"csrf": known, "name": "Stolen"}).status_code == 403
    given = victim.cookies.get(auth.COOKIE)
    assert given != planted and csrf.token_for(world.secret, given) != known


@pytest.mark.parametrize("planted", ["", "x", "feed", "Z" * 32, "f" * 33, "../../etc", "f" * 4000, "%0d%0a"])
def test_a_visitors_cookie_that_is_none_of_ours_is_replaced(world, planted):
    visitor = world.browser()
    visitor.cookies.clear()
    set_cookie = visitor.get("/join", headers={"Cookie": f"{csrf.FORM_COOKIE}={planted}"}).headers["set-cookie"]

    assert re.match(rf"{csrf.FORM_COOKIE}=[0-9a-f]{{32}}; ", set_cookie)


def cookies_of(answer) -> dict[str, set[str]]:
    found = (line.split("; ") for line in answer.headers.get_list("set-cookie"))
    return {first.partition("=")[0]: {one.lower() for one in rest} for first, *rest in found}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_cookie_is_kept_from_scripts_and_from_other_sites(world, filled, scheme):
    """On joining, signing in, a new token, a first form, and what is said once; `Secure` wherever there is TLS."""
    seen = {}
    for who, path in (("nobody", "/join"), ("nobody", "/sign-in"), ("ada", "/team/rename"), ("ada", "/team/token")):
        browser = world.browser(who)
        browser.base_url = f"{scheme}://testserver"
        fields = {name: filled(text) for name, text in FORMS[path][1].items()}
        seen |= cookies_of(browser.send(path, **fields))
    stranger = world.browser()
    stranger.cookies.clear()
    stranger.base_url = f"{scheme}://testserver"
    seen |= cookies_of(stranger.get("/join"))

    assert seen.keys() == {auth.COOKIE, csrf.FORM_COOKIE, "hookpoint_fresh", "hookpoint_said"}
    for name, flags in seen.items():
        assert "httponly" in flags and flags & {"samesite=lax", "samesite=strict"}, name
        assert not any(flag.startswith("domain") for flag in flags), name
    assert all("secure" in seen[name] for name in (auth.COOKIE, csrf.FORM_COOKIE)) == (scheme == "https")


def test_no_page_may_stand_in_a_frame_or_run_what_is_not_ours(world, filled):
    for path, allowed in PAGES.items():
        headers = world.browser(first(allowed)).get(filled(path)).headers
        rules = dict(one.strip().split(" ", 1) for one in headers["content-security-policy"].split(";"))
        assert rules["frame-ancestors"] == "'none'" and rules["default-src"] == "'none'", path
        assert rules["script-src"] == rules["style-src"] == "'self'" and "unsafe" not in str(rules), path
        assert "access-control-allow-origin" not in headers
