"""Signing in to the hub with what the event gave: a name, and the personal token as the password.

The token decides who somebody is, for two people may have the same name. The event server is asked each time; the hub
keeps the token, encrypted, and puts it where `hookpoint submit` looks for it: in a file of the person's workspace.
Not in the environment: a notebook that prints that and is then handed in would give the token away.
"""

import json
import re
import unicodedata
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.web import HTTPError
from traitlets import Unicode

from hookpoint.hosting.joined import Joined, remember

__all__ = ["EventAuthenticator"]

SECONDS = 10
AWAY = "The event server at {event} does not answer. Ask a host to start it, then sign in again."
ODD = "What answers at {event} is no event server of this version. A host can mend EVENT in jupyterhub_config.py."


class EventAuthenticator(Authenticator):
    """Lets in whoever has a token of the event. Hosts of the event may stop other people's servers, not enter them."""

    event = Unicode(config=True, help="The event server's address, as this machine reaches it.")

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        token = data["password"].strip()
        about = await asked(self.event, token)
        if about is None:
            return None
        return {"name": user_name(about), "admin": about["role"] == "host", "auth_state": {"token": token, **about}}

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> bool:
        """Whether they are still of the event; while its server is away, they stay who they were."""
        state = await user.get_auth_state() or {}
        try:
            return await asked(self.event, state.get("token", "")) is not None
        except HTTPError:
            return True

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        state = await user.get_auth_state() or {}
        if state:
            one = Joined(self.event, state["token"], person=state["person"], team=state["team"])
            remember(one, spawner.workspace)


async def asked(event: str, token: str) -> dict[str, Any] | None:
    """What the event server says of the owner of a token; None if nobody has it."""
    if not re.fullmatch(r"[!-~]+", token):  # it goes into a header
        return None
    request = HTTPRequest(
        f"{event}/api/me", headers={"Authorization": f"Bearer {token}"}, request_timeout=SECONDS,
        connect_timeout=SECONDS, follow_redirects=False,
    )  # fmt: skip
    try:
        answer = await AsyncHTTPClient().fetch(request)
    except HTTPClientError as error:
        if error.code == 401:
            return None
        raise HTTPError(503, AWAY.format(event=event)) from None
    except OSError:
        raise HTTPError(503, AWAY.format(event=event)) from None
    try:
        about = json.loads(answer.body)
        return {"id": int(about["id"]), **{name: str(about[name]) for name in ("person", "role", "team")}}
    except (ValueError, KeyError, TypeError):
        raise HTTPError(503, ODD.format(event=event)) from None


def user_name(about: dict[str, Any]) -> str:
    """A name that two people never share, and that is safe as a folder's: `amina-12`."""
    plain = unicodedata.normalize("NFKD", about["person"]).encode("ascii", "ignore").decode().lower()
    return f"{re.sub('[^a-z0-9]+', '-', plain).strip('-')[:24] or 'person'}-{about['id']}"
