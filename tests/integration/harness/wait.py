"""The only place where tests wait for time to pass."""

import http.client
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout: float, what: str, interval: float = 0.05) -> T:
    """Returns the first true value of `condition`. After `timeout` seconds fails with `what` and the last value or error."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            seen: object = condition()
        except (AssertionError, OSError, http.client.HTTPException) as problem:
            seen = problem
        if seen and not isinstance(seen, Exception):
            return seen  # type: ignore[return-value]
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}; last seen: {seen!r}")
        time.sleep(interval)


def let_time_pass(seconds: float) -> None:
    """For a load that should run for a while; never to hope that something has happened by then."""
    time.sleep(seconds)
