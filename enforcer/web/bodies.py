"""Bodies as raw bytes, and never more of them than an address takes."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from enforcer.web.problems import TooLargeError

DOCUMENT_BYTES = 1024 * 1024
"""A directive of thousands of holds, a policy of thousands of sources."""


def up_to(limit: int) -> Callable[[Request], Awaitable[bytes]]:
    """A FastAPI dependency: the body's bytes, or `TooLargeError` as soon as it exceeds the limit."""

    async def body(request: Request) -> bytes:
        received = bytearray()
        async for chunk in request.stream():
            received += chunk
            if len(received) > limit:
                raise TooLargeError(f"a body of more than {limit} bytes is not taken here")
        return bytes(received)

    return body
