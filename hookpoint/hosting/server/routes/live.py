"""The stream of server-sent events. It needs no session and holds nothing private: it is the same for everybody."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

router = APIRouter()
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # the second: proxies pass it on at once


@router.get("/stream")
async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(request.app.state.hub.listen(), media_type="text/event-stream", headers=HEADERS)
