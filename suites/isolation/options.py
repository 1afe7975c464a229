"""The option of this chapter: how many requests the seeded attacks make together."""

from __future__ import annotations

import pytest

REQUESTS = 2000


def pytest_addoption(parser: pytest.Parser) -> None:
    """--isolation-requests."""
    parser.getgroup("patient access").addoption(
        "--isolation-requests",
        type=int,
        default=REQUESTS,
        metavar="N",
        help=f"requests the isolation attacks make ({REQUESTS})",
    )
