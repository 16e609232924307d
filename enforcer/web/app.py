"""The one HTTP application: agents, people, metrics, and whether it is alive."""

from collections.abc import Callable
from time import perf_counter_ns

import structlog
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enforcer.web.problems import explained, problem
from retention.errors import RetentionError

_LOG = structlog.get_logger()


def make_app(
    routers: list[APIRouter], registry: CollectorRegistry, alive: Callable[[], bool]
) -> FastAPI:
    """The application. `alive` says whether every side task still runs."""
    # No redirect to an address with a slash less: whoever signed asked for this one.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for router in routers:
        app.include_router(router)
    app.include_router(_operations(registry, alive))
    app.add_exception_handler(RetentionError, explained)
    app.add_exception_handler(HTTPException, explained)
    app.add_middleware(Watched, registry=registry)
    return app


def _operations(registry: CollectorRegistry, alive: Callable[[], bool]) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n") if alive() else Response("a side task has died\n", 503)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


class Watched:
    """Logs and counts every request by its route; the one place that survives a bug in a handler."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "enforcer_http_requests", "Requests answered.", ["route", "status"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter_ns()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:  # noqa: BLE001 # one bad request must not end the others
            _LOG.exception("a request ended in a bug", route=_route(scope))
            if not status:
                sorry = problem(500, "the enforcer could not answer; its log says why")
                await sorry(scope, receive, watch)
        self._requests.labels(_route(scope), status).inc()
        milliseconds = (perf_counter_ns() - begun) // 1_000_000
        _LOG.debug("answered", route=_route(scope), status=status, milliseconds=milliseconds)


def _route(scope: Scope) -> str:
    """The route's template, never the path: that may hold an id."""
    return getattr(scope.get("route"), "path", "none")
