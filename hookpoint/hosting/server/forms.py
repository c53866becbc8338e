"""What somebody typed into a form or sent with it, and the same page again if something was wrong with it."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from hookpoint.errors import HookpointError
from hookpoint.hosting.errors import TooOften

from . import csrf, pages
from .errors import status_of, told

__all__ = ["Fields", "Id", "Sent", "SentFile", "again"]


@dataclass(frozen=True)
class Sent:
    """A file as it arrived. Its name is the sender's: it is shown and looked at, and never a path."""

    name: str
    content: bytes


async def _fields(request: Request) -> dict[str, str]:
    """The text of the form; of fields of the same name the last one."""
    return {name: text for name, text in _form(request).multi_items() if isinstance(text, str) and name != csrf.FIELD}


async def _file(request: Request) -> Sent | None:
    """The file of the form, or None if none was chosen."""
    file = _form(request).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    return Sent(file.filename, await file.read())


def _form(request: Request) -> FormData:
    """What `csrf.checked`, which stands before all forms, has read within its bounds."""
    form = getattr(request, "_form", None)
    return form if isinstance(form, FormData) else FormData()


Fields = Annotated[dict[str, str], Depends(_fields)]
Id = Annotated[int, Path(ge=1, lt=1 << 31)]  # of a row, in an address: databases count no further
SentFile = Annotated[Sent | None, Depends(_file)]


def again(request: Request, name: str, error: HookpointError, **values: Any) -> Response:
    """The page with what went wrong at its top, with the status of that, and with what was typed if `values` say so."""
    response = pages.render(request, name, status_of(error), error=told(request, error), **values)
    if isinstance(error, TooOften):
        response.headers["Retry-After"] = str(error.seconds)
    return response
