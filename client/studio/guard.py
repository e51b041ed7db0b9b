"""What keeps other web pages away from the studio, and the studio's page from others.

A program that listens on 127.0.0.1 can be reached by any page that is open in the browser beside
it: by requests across sites, and by a name of the page's own that it lets point at 127.0.0.1 (DNS
rebinding). The browser says in Host, Origin and Sec-Fetch-Site who asks.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/api/"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # a newer studio on the same port has newer files
}


class Guard:
    """Refuses what the studio's own page does not ask, and adds the headers to every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        answer = JSONResponse({"error": refusal}, 403) if refusal else self.app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Say why a request is refused; None if it is not."""
        host = headers.get("host", "")
        if host not in self.hosts:
            shown = " or ".join(sorted(self.hosts))
            return f"The studio answers at {shown} only, not at {host[:100]!r}."
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        foreign = origin is not None and origin.removeprefix("http://") not in self.hosts
        if path.startswith(API) and (foreign or site not in ("same-origin", "none")):
            return "Another site's page may not use the studio."
        if method == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":  # which no form of another page can send
                return f"The studio takes application/json, not {kind[:100]!r}."
        return None
