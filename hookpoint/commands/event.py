"""`hookpoint join` and `hookpoint submit`: what they ask for, send and print."""

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from hookpoint.content.workspace import find_workspace
from hookpoint.errors import HookpointError, UsageError

__all__ = ["join", "show_where", "submit"]

LARGEST = 32 << 20  # bytes, as the server takes them
KINDS = {".ipynb": "notebook", ".py": "notebook", ".md": "writeup"}
FOR_CHALLENGES = (".ipynb", ".py", ".json", ".safetensors")
SIGNS = {"passed": "✓", "failed": "✗", "error": "!", "timeout": "…", "missing": "·"}
OPEN = ("received", "queued", "running")  # states of a notebook that will still change
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 3.0  # seconds between two looks at a submission
NOWHERE = "You have joined no event from here. `hookpoint join ADDRESS CODE`: both stand on the projector."
LATER = "It is handed in. The same `hookpoint submit` shows the verdicts later, and costs nothing."
Say = Callable[[str], object]


def client(address: str, token: str = "", **options: Any) -> Any:
    """A client that says on stderr when it tries again."""
    if importlib.util.find_spec("httpx") is None:
        raise HookpointError(f"httpx is not installed: {sys.executable} -m pip install 'hookpoint[learn]'")
    from hookpoint.hosting.client import EventClient

    return EventClient(address, token, told=lambda line: click.echo(line, err=True), **options)


# Joining


def show_where() -> None:
    """Prints where one has joined, and whether the server answers."""
    from hookpoint.hosting.joined import joined

    found = joined(find_workspace())
    if found is None:
        raise HookpointError(NOWHERE)
    one, path = found
    click.echo(f"You have joined {one.event} at {one.address} as {_who(one)}.")
    click.echo(f"Kept in {path}.")
    try:
        with client(one.address, one.token, patience=0, seconds=2) as event:
            event.me()
        click.echo("The server answers and knows you.")
    except HookpointError as error:
        click.echo(str(error))


def join(address: str, code: str | None, name: str | None, team: str | None, invitation: str | None, again: bool):
    """Joins the event, asking for what is missing where there is somebody to ask, and keeps the token."""
    from hookpoint.hosting import codes
    from hookpoint.hosting.client import address_in
    from hookpoint.hosting.joined import Joined, joined, remember

    here = find_workspace()
    found = joined(here)
    address, in_link = address_in(address)
    if found and found[0].address == address and not again:
        raise UsageError(f"You have joined there already, as {_who(found[0])}. To join once more, add --again.")
    if team and invitation:
        raise UsageError("A team is founded with --team, or joined with --invitation: give one of them.")
    code = code or in_link or _asked("Join code", "the CODE, which stands on the projector, after the address")
    with client(address) as event:
        title = (
            _line(event.event().get("title")) or "the event"
        )  # first, for it may be tried again: is this an event at all?
        if code.strip().lower().startswith("hookpoint"):
            token = codes.token_in(code)
            with client(address, token) as known:
                answer = known.me()
        else:
            name = name or _asked("Your name", "--name NAME")
            if not (team or invitation) and _can_ask():
                team, invitation = _asked_for_team()
            answer = event.join(code, name, team or "", invitation or "")
            token = str(answer["token"])
    one = Joined(address, token, title, _line(answer.get("person")), _line(answer.get("team")))
    path = remember(one, here)
    click.echo(f"You are in: {_who(one)}, at {title}. Kept in {path}; it is your key, so give it to nobody.")
    if answer.get("invitation"):
        click.echo(f"Invite others into your team with {_plain(answer['invitation'])}.")
    click.echo("Next: `hookpoint submit FILE` hands in a notebook.")


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _asked(what: str, missing: str) -> str:
    if not _can_ask():
        raise UsageError(f"Something is missing: add {missing}.")
    return click.prompt(what).strip()


def _asked_for_team() -> tuple[str, str]:
    """The name of a new team, or an invitation, or neither: then the hosts find one."""
    click.echo("Your team: type a name to found one, the invitation of one that is there, or nothing to be matched.")
    invitation = click.prompt("Invitation", default="", show_default=False).strip()
    name = "" if invitation else click.prompt("Name of a new team", default="", show_default=False).strip()
    return name, invitation


def _line(text: Any) -> str:
    """A name that the server gave, in one line."""
    return " ".join(_plain(text or "").split())


def _who(one: Any) -> str:
    return f"{one.person or 'somebody'}, {f'in the team {one.team}' if one.team else 'without a team so far'}"


def _plain(text: Any) -> str:
    from hookpoint.hosting.client import plain

    return plain(text)


# Handing in


def submit(files: Sequence[Path], wait: bool, as_json: bool, challenge: str = "") -> None:
    """Hands the files in and says what becomes of them; ends with exit code 1 if one was not accepted.

    Args:
        challenge: the one that all of them answer; a starter notebook names its own.
    """
    from hookpoint.hosting.joined import joined

    found = joined(find_workspace())
    if found is None:
        raise UsageError(NOWHERE)
    # A wrong name is said before anything is sent.
    contents = [(path, _kind(path, challenge), _content(path)) for path in files]
    say: Say = lambda line: click.echo(line, err=as_json)  # noqa: E731
    with client(found[0].address, found[0].token) as event:
        rows = [_send(event, path, kind, content, say, challenge) for path, kind, content in contents]
        if wait:
            _follow(event, [row for row in rows if row["kind"] != "writeup" and not row["error"]], say)
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    sys.exit(1 if any(row["error"] for row in rows) else 0)


def _kind(path: Path, challenge: str) -> str:
    suffix = path.suffix.lower()
    if challenge and suffix in FOR_CHALLENGES:
        return "challenge"
    if suffix in FOR_CHALLENGES and suffix not in KINDS:
        raise UsageError(f"{path} does not say which challenge it answers: add --challenge ID.")
    if suffix not in KINDS:
        raise UsageError(f"{path} is neither a notebook (.ipynb) nor a write-up (.md).")
    return KINDS[suffix]


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HookpointError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(content) > LARGEST:
        raise HookpointError(f"{path} is larger than {LARGEST >> 20} MB. Clear its outputs, save it, and try again.")
    return content


def _send(event: Any, path: Path, kind: str, content: bytes, say: Say, challenge: str) -> dict:
    row = {"file": str(path), "kind": kind, "submission": None, "error": ""}
    try:
        receipt = event.submit(content, path.name, kind, challenge if kind == "challenge" else "")
    except HookpointError as error:
        click.echo(f"{path.name}: {error}", err=True)
        return row | {"error": str(error)}
    row |= {name: receipt.get(name) for name in ("submission", "replay", "task", "findings")}
    row["kind"] = receipt.get("kind") or kind  # a notebook may say of itself that it answers a challenge
    as_what = ", as your write-up" if kind == "writeup" else f", as {_plain(row['task'])}" if row["task"] else ""
    same = " It was in already: no attempt is used." if row["replay"] else ""
    say(f"{path.name}: received{as_what} (number {row['submission']}).{same}")
    if receipt.get("attempts_left") is not None:
        say(f"  Attempts left at this challenge: {receipt['attempts_left']}; what cannot be scored is none.")
    for finding in row["findings"] or ():
        say(f"  {_plain(finding)}")
    return row


def rest(seconds: float) -> None:
    time.sleep(seconds)


def _follow(event: Any, rows: list[dict], say: Say) -> None:
    """Says what becomes of the submissions until all are graded, we are tired of it, or the network is gone."""
    waiting, pause = list(rows), FIRST_PAUSE
    try:
        while waiting:
            for row in waiting:
                _news(row, event.submission(row["submission"]), say)
            waiting = [row for row in waiting if row["status"] in OPEN]
            if waiting:
                rest(pause)
                pause = min(1.3 * pause, LONGEST_PAUSE)
    except (HookpointError, KeyboardInterrupt) as error:
        click.echo(f"{error} {LATER}".strip(), err=True)


def _news(row: dict, state: dict, say: Say) -> None:
    """Says what is new about a submission since it was looked at last, and keeps it in the row."""
    name, line = Path(row["file"]).name, _standing(state)
    told = {verdict["exercise"] for verdict in row.get("verdicts") or ()}
    if line and line != row.get("standing"):
        say(f"{name}: {line}")
    verdicts = state.get("verdicts") or []
    for verdict in verdicts:
        if verdict["exercise"] not in told:
            _say_verdict(verdict, say, row["kind"] == "challenge")
    row |= {"status": state.get("status"), "verdicts": verdicts, "trouble": state.get("trouble"), "standing": line}
    if row["status"] not in OPEN:
        row.pop("standing")
        if row["trouble"]:
            say(f"{name}: {_plain(row['trouble'])}")
        if verdicts and row["kind"] != "challenge":
            points = sum(verdict["points"] for verdict in verdicts)
            most = sum(verdict["max_points"] for verdict in verdicts)
            say(f"{name}: {points:g} of {most:g} points.")


def _standing(state: dict) -> str:
    """Where it stands, in words; nothing where the verdicts say it."""
    if state.get("status") == "queued":
        place, seconds = state.get("place"), state.get("expected_seconds")
        soon = f", about {max(1, round(seconds))} s" if seconds else ""
        return f"queued, place {place}{soon}" if place else f"queued{soon}"
    return {"running": "running", "not counted": "not counted; the host has been told"}.get(state.get("status"), "")


def _say_verdict(verdict: dict, say: Say, scored: bool) -> None:
    status = verdict.get("status", "")
    points = f"{round(verdict['points'], 1):g} of {verdict['max_points']:g}" if verdict["max_points"] else ""
    say(f"  {SIGNS.get(status, '?')} {status:<8} {_plain(verdict['exercise'])}  {points}".rstrip())
    if (scored or status != "passed") and verdict.get("message"):
        say("\n".join(f"      {line}" for line in _plain(verdict["message"]).splitlines()))
