"""Masking at the moment of recording: nothing secret reaches a file.

A secret is replaced by its kind and four hex digits of its hash, `<access_token:9f3a>`, so that a reader sees where the same one
comes back without learning it. Everything else stays as sent. In runs against a foreign server the values of a member's names,
dates of birth, addresses, contacts, identifiers and narratives are masked too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit

SECRET_PARAMETERS = {
    "access_token": "access_token",
    "refresh_token": "refresh_token",
    "id_token": "id_token",
    "id_token_hint": "id_token",
    "token": "token",
    "code": "code",
    "code_verifier": "code_verifier",
    "client_secret": "client_secret",
    "client_assertion": "client_assertion",
    "password": "password",
    "assertion": "assertion",
    "registration_access_token": "registration_access_token",
    "otp": "one_time_code",
    "totp": "one_time_code",
    "csrf": "csrf",
    "csrf_token": "csrf",
}
SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
_PEOPLE_TYPES = {"Patient", "RelatedPerson", "Person"}
_PEOPLE_KEYS = {"birthDate", "deceasedDateTime", "subscriberId", "div"}
_NAME_KEYS = {"family", "given", "text", "prefix", "suffix"}
_ADDRESS_KEYS = {"line", "city", "postalCode", "text", "district"}
_SHORTEST = 4  # a value shorter than this is masked in its own place only, never searched for elsewhere
_FIELD = re.compile(rb'"(' + "|".join(SECRET_PARAMETERS).encode() + rb')"\s*:\s*"((?:[^"\\]|\\.)*)"')
# What tokens, codes and states are made of: such a value stands only inside a run of these bytes that is at least as long.
_OPAQUE = re.compile(r"[A-Za-z0-9_\-.]{16,}")
_OPAQUE_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
_RUNS = bytes(byte if byte in _OPAQUE_BYTES else 32 for byte in range(256))
_HIDDEN = re.compile(
    r"""(<input\b[^>]*?\bname=["']?([\w.\-]+)["']?[^>]*?\bvalue=["'])([^"']*)(["'])""", re.IGNORECASE | re.DOTALL
)


def placeholder(kind: str, value: str) -> str:
    """What stands in a record in place of a secret."""
    return f"<{kind}:{hashlib.sha256(value.encode()).hexdigest()[:4]}>"


class Masker:
    """Knows the secrets of a run, learns new ones as answers bring them, and masks texts."""

    def __init__(self, mask_people: bool = True) -> None:
        self.mask_people = mask_people
        self._known: dict[str, str] = {}
        # The same values by how a text is searched for them: thousands are known in a long run, and few stand in one text.
        self._opaque: list[str] = []
        self._quoted: dict[str, str] = {}  # a JSON string without its quotation marks, to the whole
        self._other: list[str] = []

    def learn(self, kind: str, value: str) -> None:
        """A value that must never be recorded, wherever it turns up."""
        if len(value) >= _SHORTEST and value not in self._known:
            shown = placeholder(kind, value)
            for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}:
                self._know(form, shown)

    def _know(self, form: str, shown: str) -> None:
        if form in self._known:
            return
        self._known[form] = shown
        inner = form[1:-1]
        if _OPAQUE.fullmatch(form):
            self._opaque.append(form)
        elif len(form) > 2 and form[0] == form[-1] == '"' and '"' not in inner:
            self._quoted[inner] = form
        else:
            self._other.append(form)

    def _in(self, text: str) -> set[str]:
        """The known values that stand in a text."""
        found = {value for value in self._other if value in text}
        if self._opaque:
            runs = set(text.encode("utf-8", "surrogatepass").translate(_RUNS).split())
            long = " ".join(run.decode("ascii") for run in runs if len(run) >= 16)
            found.update(value for value in self._opaque if value in long)
        if self._quoted:
            found.update(self._quoted[inner] for inner in self._quoted.keys() & set(text.split('"')[1:-1]))
        return found

    def learn_from_answer(self, body: bytes) -> None:
        """Learn the tokens, codes and secrets a JSON answer hands out; error answers name `code`s that are no secrets."""
        for found in _FIELD.finditer(body):
            name = found[1].decode()
            if name not in ("code", "token"):
                self.learn(SECRET_PARAMETERS[name], _unescaped(found[2]))

    def learn_from_url(self, url: str) -> None:
        """Learn the code or tokens in a redirect."""
        parts = urlsplit(url)
        for name, value in (*parse_qsl(parts.query), *parse_qsl(parts.fragment)):
            if name in SECRET_PARAMETERS:
                self.learn(SECRET_PARAMETERS[name], value)

    def learn_from_form(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Learn what a form sends under a secret's name."""
        for name, value in pairs:
            if name in SECRET_PARAMETERS:
                self.learn(SECRET_PARAMETERS[name], value)

    def text(self, text: str) -> str:
        """A text without any known secret."""
        for value in sorted(self._in(text), key=len, reverse=True):
            text = text.replace(value, self._known[value])
        return text

    def url(self, url: str) -> str:
        """A URL without secrets in its query or fragment."""
        self.learn_from_url(url)
        return self._pairs_in(self.text(url))

    def form(self, body: str) -> str:
        """A urlencoded body without secrets, order and encoding of the rest kept."""
        self.learn_from_form(parse_qsl(body, keep_blank_values=True))
        return self._pairs_in(self.text(body))

    def _pairs_in(self, text: str) -> str:
        def hide(found: re.Match[str]) -> str:
            kind, value = SECRET_PARAMETERS.get(found[2]), found[3]
            if kind is None or value.startswith("<") or not value:
                return found[0]
            return f"{found[1]}{found[2]}={placeholder(kind, unquote_plus(value))}"

        return re.sub(r"(^|[?&#])([\w.\-]+)=([^&#]*)", hide, text)

    def headers(self, headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Headers in order, duplicates kept, credentials masked but their scheme shown."""
        return tuple((name, self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        lowered = name.lower()
        if lowered == "location":
            return self.url(value)
        if lowered not in SECRET_HEADERS:
            return self.text(value)
        if lowered == "set-cookie":
            first, separator, attributes = value.partition(";")
            key, _, secret = first.partition("=")
            return f"{key}={placeholder('cookie', secret)}{separator}{attributes}"
        if lowered == "cookie":
            return "; ".join(
                f"{key}={placeholder('cookie', secret)}"
                for key, _, secret in (one.strip().partition("=") for one in value.split(";"))
            )
        scheme, space, credentials = value.partition(" ")
        shown = self.text(credentials)
        if shown == credentials:
            shown = placeholder("basic" if scheme.lower() == "basic" else "credentials", credentials)
        return f"{scheme}{space}{shown}" if space else placeholder("credentials", value)

    def body(self, body: bytes, content_type: str) -> str:
        """A body as recorded: original text but for secrets and, in foreign runs, people's data."""
        self.learn_from_answer(body)
        if self.mask_people and "json" in content_type.lower():
            self._learn_people(body)
        text = body.decode("utf-8", "backslashreplace")
        if "html" in content_type.lower():
            text = _HIDDEN.sub(_without_hidden_secret, text)
        if "x-www-form-urlencoded" in content_type.lower():
            return self.form(text)
        return self.text(text)

    def _learn_people(self, body: bytes) -> None:
        try:
            document = json.loads(body)
        except ValueError:
            return
        for kind, value in people_values(document):
            if len(value) >= 2:
                shown = placeholder(kind, value)
                self._know(json.dumps(value, ensure_ascii=False), f'"{shown}"')
                self._know(json.dumps(value), f'"{shown}"')


def people_values(node: Any, inside: str = "") -> Iterator[tuple[str, str]]:
    """The strings of a FHIR document that tell who a member is, with the kind of each."""
    if isinstance(node, list):
        for one in node:
            yield from people_values(one, inside)
    elif isinstance(node, dict):
        person = node.get("resourceType") in _PEOPLE_TYPES or inside == "person"
        for key, value in node.items():
            if key in _PEOPLE_KEYS and isinstance(value, str):
                yield "person", value
            elif person and key in ("name", "address", "telecom", "identifier", "contact"):
                yield from _strings(value, key)
            elif key in ("identifier", "subscriberId"):
                yield from _strings(value, "identifier")
            else:
                yield from people_values(value, "person" if person and key in ("contact", "contained") else "")


def _strings(node: Any, kind: str) -> Iterator[tuple[str, str]]:
    wanted = {"name": _NAME_KEYS, "address": _ADDRESS_KEYS}.get(kind, {"value"})
    if isinstance(node, list):
        for one in node:
            yield from _strings(one, kind)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("name", "address", "telecom") and kind == "contact":
                yield from _strings(value, key)
            elif key in wanted:
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, str):
                        yield kind, one


def _without_hidden_secret(found: re.Match[str]) -> str:
    kind = SECRET_PARAMETERS.get(found[2].lower())
    if kind is None or not found[3]:
        return found[0]
    return f"{found[1]}{placeholder(kind, found[3])}{found[4]}"


def _unescaped(raw: bytes) -> str:
    try:
        return str(json.loads(b'"' + raw + b'"'))
    except ValueError:
        return raw.decode("utf-8", "replace")
