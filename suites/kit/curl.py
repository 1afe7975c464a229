"""A curl line that repeats a recorded exchange, secrets as shell variables: `$ACCESS_TOKEN`, `$CODE`, `$CLIENT_SECRET`."""

from __future__ import annotations

import re
import shlex

from reports.model import Exchange

_MASKED = re.compile(r"<(\w+):[0-9a-f]{4}>")
_LEFT_OUT = {"host", "content-length", "connection", "accept-encoding", "user-agent"}
SHOWN_BODY = 2000


def line(exchange: Exchange) -> str:
    """One line for a shell; empty for what curl cannot repeat."""
    if exchange.kind != "http" or not exchange.url:
        return ""
    words = ["curl", "-i"]
    if exchange.method != "GET" and not (exchange.method == "POST" and exchange.request_body):
        words += ["-X", exchange.method]
    words.append(_quoted(exchange.url))
    for name, value in exchange.request_headers:
        if name.lower() == "authorization" and value.lower().startswith("basic <"):
            words += ["-u", '"$CLIENT_ID:$CLIENT_SECRET"']
        elif name.lower() not in _LEFT_OUT:
            words += ["-H", _quoted(f"{name}: {value}")]
    if exchange.request_body:
        words += ["--data-raw", _quoted(exchange.request_body[:SHOWN_BODY])]
    return " ".join(words)


def _quoted(text: str) -> str:
    """Single quotes, or double quotes with a variable for each secret."""
    if not _MASKED.search(text):
        return shlex.quote(text)
    pieces: list[str] = []
    at = 0
    for found in _MASKED.finditer(text):
        pieces.append(re.sub(r'([\\"$`])', r"\\\1", text[at : found.start()]))
        pieces.append(
            "$" + found[1].upper()
            if text[found.end() : found.end() + 1] in ("", "&", " ", "#")
            else "${" + found[1].upper() + "}"
        )
        at = found.end()
    pieces.append(re.sub(r'([\\"$`])', r"\\\1", text[at:]))
    return '"' + "".join(pieces) + '"'
