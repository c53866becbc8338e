"""What strangers, and a team with a script, must not get from an event server."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

import httpx

from .answers import ANSWERS, NOTEBOOK
from .crowd import Crowd
from .findings import Finding
from .parts import notebook_of
from .stage import Stage

__all__ = ["refusals"]

LIMIT = 20  # submissions of one team in an hour, as the stage sets it
TOO_LARGE = 33 << 20


def refusals(stage: Stage, crowd: Crowd) -> Finding:
    """Tries what must be refused; each case says what it got instead."""
    with httpx.Client(base_url=stage.address, timeout=60.0) as http:
        tried = [*strangers(http, crowd), *files(http, crowd), *script(http, crowd)]
    return Finding.of(
        "refused as they must be", len(tried), (f"{what}: {got}" for what, got, good in tried if not good)
    )


def strangers(http: httpx.Client, crowd: Crowd) -> Iterator[tuple[str, str, bool]]:
    """Who is nobody, or somebody else."""
    one, other = crowd.sent[0], next(sent for sent in crowd.sent if sent.team != crowd.sent[0].team)
    path = f"/api/submissions/{one.id}"
    forged = "hookpoint_" + "a" * 32
    for what, token, wanted in (
        ("a submission without a token", "", 401),
        ("a submission with a made-up token", forged, 401),
        ("another team's submission", crowd.tokens[other.team], 404),
        ("one's own submission", crowd.tokens[one.team], 200),
    ):
        got = http.get(path, headers=signed(token)).status_code
        yield what, str(got), got == wanted
    for page in ("/host", "/judge"):
        got = http.get(page, headers={"Cookie": f"hookpoint={crowd.tokens[one.team]}"}).status_code
        yield f"{page} as a participant", str(got), got in (403, 404)
    got = http.post("/api/join", json={"code": "FHKM-RTWX", "name": "A stranger", "team": "Strangers"}).status_code
    yield "joining with a wrong code", str(got), got in (400, 403, 429)


def files(http: httpx.Client, crowd: Crowd) -> Iterator[tuple[str, str, bool]]:
    """What is no notebook, or too large."""
    token = crowd.tokens[crowd.sent[0].team]
    for what, name, content, wanted in (
        ("a program", "03_attention.exe", b"MZ\x90\x00" * 100, (400, 415)),
        ("a picture called a notebook", "03_attention.ipynb", b"\x89PNG\r\n\x1a\n" + bytes(500), (400, 415)),
        ("half a notebook", "03_attention.ipynb", notebook_of({})[:5_000], (400, 415)),
        ("a path for a name", "../../../etc/passwd", b"root:x:0:0", (400, 415)),
        ("a file that is too large", "03_attention.ipynb", bytes(TOO_LARGE), (413,)),
    ):
        got = hand_in(http, token, content, name).status_code
        yield what, str(got), got in wanted


def script(http: httpx.Client, crowd: Crowd) -> Iterator[tuple[str, str, bool]]:
    """A team whose program hands in one file after the other gets as many as the limit says."""
    sent = Counter(one.team for one in crowd.sent) + crowd.answered
    has = {team: sent[team] + (team in crowd.writeups) for team in crowd.tokens}
    team = min(has, key=has.get)
    answers = {id: options[0].source for id, options in ANSWERS.items()}
    statuses = []
    for number in range(LIMIT + 2):
        content = notebook_of(answers, hashlib.sha256(f"{team}{number}".encode()).hexdigest())
        statuses.append(hand_in(http, crowd.tokens[team], content, f"{NOTEBOOK}.ipynb").status_code)
    taken = statuses.count(201) + has[team]
    yield (
        "more submissions in an hour than the limit",
        f"{taken} taken, {statuses[-1]}",
        (taken, statuses[-1]) == (LIMIT, 429),
    )


def hand_in(http: httpx.Client, token: str, content: bytes, name: str) -> httpx.Response:
    about = {"Hookpoint-File-Name": quote(name), "Hookpoint-Kind": "notebook"}
    return http.post("/api/submissions", content=content, headers=about | signed(token))


def signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
