"""The whole server as one ASGI app: `create_app(database)`, which uvicorn serves."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from hookpoint.hosting.store.database import Database

from . import csrf, errors
from .edges import Bounded, Secured
from .routes import api, board, challenges, console, joining, judging, live, news, problems, questions, submitting, team
from .stream import Hub, reader

__all__ = ["create_app"]

FORMS = (board, challenges, joining, team, submitting, news, problems, questions, judging, console)
PROGRAMS = (api,)  # no cookie counts here, so that no form of another site can use one
STATIC = Path(__file__).with_name("static")


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    database: Database, *, clock: Callable[[], datetime] = utc_now, grading_info: Any = None, baselines: Any = ()
) -> FastAPI:
    """The server of the event in `database`, which is up to date.

    Args:
        clock: gives the time, aware; tests hold it still.
        grading_info: what the host's console shows about how grading is done, or None.
        baselines: `standings.Baseline`s that stand on the board without a rank.
    """
    app = FastAPI(title="hookpoint", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.database, app.state.clock, app.state.grading_info = database, clock, grading_info
    app.state.started = clock()
    app.state.hub = Hub(reader(database, clock, baselines), clock)
    app.add_middleware(Bounded)
    app.add_middleware(Secured)  # the last one added is the outermost
    errors.install(app)
    app.router.routes.insert(0, live.route)
    for module in FORMS:
        app.include_router(module.router, dependencies=[Depends(csrf.checked)])
    for module in PROGRAMS:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.hub.watching():
        yield
