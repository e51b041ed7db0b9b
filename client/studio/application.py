"""The studio's server: the page's files, and a few answers in JSON. It keeps nothing itself.

    GET  /api/model             what is served, and the map of its training sounds
    GET  /api/version           only which model that is, to notice another one
    POST /api/sounds            sounds of a wish (wishes.py)
    POST /api/favourites        a zip file of them
    GET  /api/runs              the newest runs
    GET  /api/runs/NAME         how far one is
    GET  /api/runs/NAME/sample  a sound that it made while it trained: ?epoch=10&name=seven

What cannot be answered is {"error": "a sentence"} with the status 400 when another request may do,
404 where nothing is, and 503 when AWS or the endpoint cannot be reached.
"""

import base64
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from client import runs
from client.endpoint import Refused
from client.failure import Failure, in_one_sentence
from client.stack import Stack
from client.studio.favourites import zipped
from client.studio.guard import Guard
from client.studio.run_progress import RunProgress
from client.studio.served import ServedModels
from client.studio.wishes import WrongWishError, fulfil

PAGE = Path(__file__).parent / "page"
MOST_BODY = 64_000_000  # bytes of a request: favourites come with their sounds
WATCHED = 8  # runs whose epochs are kept

Handler = Callable[[Request], Awaitable[Response]]


def application(stack: Stack, port: int, where: str, cache: Path | None = None) -> Starlette:
    """Make the studio of a stack; `where` says in words where that runs."""
    studio = _Studio(stack, where, ServedModels(stack, cache))
    api = [
        Route("/model", _answering(studio.model)),
        Route("/version", _answering(studio.version)),
        Route("/sounds", _answering(studio.sounds), methods=["POST"]),
        Route("/favourites", _answering(studio.favourites), methods=["POST"]),
        Route("/runs", _answering(studio.runs)),
        Route("/runs/{name}", _answering(studio.run)),
        Route("/runs/{name}/sample", _answering(studio.sample)),
    ]
    return Starlette(
        routes=[Mount("/api", routes=api), Mount("/", StaticFiles(directory=PAGE, html=True))],
        middleware=[Middleware(Guard, port=port)],
        exception_handlers={HTTPException: _not_there},
    )


class _Studio:
    """What the routes share."""

    def __init__(self, stack: Stack, where: str, models: ServedModels) -> None:
        self.stack, self.where, self.models = stack, where, models
        self.watched: OrderedDict[str, RunProgress] = OrderedDict()
        self.lock = Lock()

    async def model(self, _: Request) -> Response:
        served = await run_in_threadpool(self.models.now)
        stage = {"stage": self.stack.connection.name, "where": self.where}
        return JSONResponse({**served.to_json(), **stage})

    async def version(self, _: Request) -> Response:
        url, etag = await run_in_threadpool(self.models.version)
        return JSONResponse({"url": url, "version": etag})

    async def sounds(self, request: Request) -> Response:
        wish = await _object(request)
        made = await run_in_threadpool(fulfil, self.stack, self.models, wish)
        sounds = [{"wav": base64.b64encode(one.wav).decode(), **one.said} for one in made]
        return JSONResponse({"sounds": sounds})

    async def favourites(self, request: Request) -> Response:
        said = await _object(request)
        content = await run_in_threadpool(zipped, str(said.get("model", "")), said.get("sounds"))
        return Response(content, media_type="application/zip")

    async def runs(self, _: Request) -> Response:
        found = await run_in_threadpool(runs.newest, self.stack)
        return JSONResponse({"runs": [run.to_json() for run in found]})

    async def run(self, request: Request) -> Response:
        progress = await run_in_threadpool(self._progress, request.path_params["name"])
        return JSONResponse(await run_in_threadpool(progress.look))

    async def sample(self, request: Request) -> Response:
        epoch, name = request.query_params.get("epoch", ""), request.query_params.get("name", "")
        if not (epoch.isascii() and epoch.isdecimal()):
            raise WrongWishError("epoch must be a whole number.")
        progress = await run_in_threadpool(self._progress, request.path_params["name"])
        wav = await run_in_threadpool(progress.sample, int(epoch[:9]), name)
        return Response(wav, media_type="audio/wav")

    def _progress(self, name: str) -> RunProgress:
        """Find what is known of a run, and forget the one that nobody has asked for longest."""
        with self.lock:
            if name not in self.watched:
                try:
                    run = runs.named(self.stack, name)
                except Failure as failure:
                    raise WrongWishError(str(failure)) from failure
                self.watched[name] = RunProgress(self.stack, run)
            self.watched.move_to_end(name)
            while len(self.watched) > WATCHED:
                self.watched.popitem(last=False)
            return self.watched[name]


def _answering(handler: Handler) -> Handler:
    """Say in one sentence what goes wrong."""

    async def answer(request: Request) -> Response:
        try:
            with in_one_sentence():
                return await handler(request)
        except (Refused, WrongWishError) as failure:
            return JSONResponse({"error": str(failure)}, 400)
        except Failure as failure:
            return JSONResponse({"error": str(failure)}, 503)
        except Exception as error:  # a fault of ours is told as well, and the page goes on
            sentence = f"The studio cannot go on with this: {type(error).__name__}: {error}"
            return JSONResponse({"error": sentence}, 503)

    return answer


async def _object(request: Request) -> dict[str, Any]:
    """Read a request's JSON object."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise WrongWishError(f"A request has at most {MOST_BODY // 1_000_000} MB.")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise WrongWishError('The body must be a JSON object, such as {"count": 1}.')
    return said


async def _not_there(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 503
    sentence = f"{request.method} {request.url.path[:200]} is nothing that the studio knows."
    return JSONResponse({"error": sentence}, status)
