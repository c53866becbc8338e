"""The board: the ranking for everybody, and with `?tv=1` for the projector. Its script draws what the stream brings."""

import ipaddress
from functools import lru_cache
from typing import Annotated

import segno
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from hookpoint.hosting.machine import addresses

from .. import pages
from ..auth import Visitor
from ..stream import ROWS

router = APIRouter()
HOME = {"participant": "/team", "judge": "/judge", "mentor": "/help", "host": "/host"}
LONGEST_HOST = 253  # characters of a name in the network
QUIET_ZONE = 4  # modules of white around a QR code: with less, phones do not find it on a dark page


@router.get("/")
def home(visitor: Visitor) -> Response:
    return RedirectResponse(HOME[visitor.role] if visitor else "/board", 303)


@router.get("/board")
def board(
    request: Request, tv: bool = False, first: Annotated[int, Query(alias="from", ge=1, le=100_000)] = 1
) -> Response:
    state = request.app.state.hub.current().state
    rows = state["board"]["rows"]
    address = reached_at(request)
    link = f"{address}/j/{state['join_code']}"
    return pages.render(
        request,
        "board.html",
        state=state,
        rows=rows[first - 1 : first - 1 + ROWS],
        first=first,
        pages=[(start, min(start + ROWS - 1, len(rows))) for start in range(1, len(rows) + 1, ROWS)],
        tv=tv,
        address=address.partition("://")[2],
        link=link,
        qr=qr(link),
    )


def reached_at(request: Request) -> str:
    """The address of this server for the others in the room, even where the host's own browser uses `localhost`."""
    url = request.base_url
    host = url.hostname or "localhost"  # as the browser says; nobody else is sent there
    if _is_loopback(host) or len(host) > LONGEST_HOST:
        host = next(iter(addresses()), host)
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@lru_cache(maxsize=16)
def qr(link: str) -> Markup:
    """The link as a QR code, black on white in both themes."""
    code = segno.make(link, error="m", micro=False)
    drawn = code.svg_inline(
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        title="QR code to join",
    )
    return Markup(drawn)
