"""Value sets that are a grammar rather than a list: MIME types (RFC 6838), language tags (BCP 47), UCUM units, currencies.

Each answers like a table: in, not in, or undecidable.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from suites.profiles.facts import MEMBER, NOT_MEMBER, Membership

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+\-]{0,126}"
# What follows a `;` is left open: parameters come with and without quotes.
MIME_TYPE = re.compile(rf"{_NAME}/({_NAME}|\*)(\s*;.*)?|xml|json|ttl|html|text")
LANGUAGE = re.compile(
    r"([a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[0-9a-wyz](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?|x(-[a-z0-9]{1,8})+",
    re.I,
)


def _by(form: re.Pattern[str]) -> Callable[[str | None, str, str | None], Membership]:
    def contains(system: str | None, code: str, version: str | None = None) -> Membership:
        return MEMBER if form.fullmatch(code) else NOT_MEMBER

    return contains


_CURRENCIES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD
HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""
CURRENCIES = frozenset(_CURRENCIES.split())
"""Currencies in use (ISO 4217): these are in the value set; whether any other code was or will be in it is left open."""


def _currency(system: str | None, code: str, version: str | None = None) -> Membership:
    if code in CURRENCIES and system in (None, ISO_4217):
        return MEMBER
    return Membership(None, (ISO_4217,))


ISO_4217 = "urn:iso:std:iso:4217"


def _open(system_url: str) -> Callable[[str | None, str, str | None], Membership]:
    undecided = Membership(None, (system_url,))

    def contains(system: str | None, code: str, version: str | None = None) -> Membership:
        return undecided

    return contains


_GRAMMARS = {
    "http://hl7.org/fhir/ValueSet/mimetypes": _by(MIME_TYPE),
    "http://hl7.org/fhir/ValueSet/all-languages": _by(LANGUAGE),
    "http://hl7.org/fhir/ValueSet/currencies": _currency,
    # Lists of UCUM units: UCUM has many spellings of one unit (`L/min`, `l/min`), so a list decides only with its grammar.
    "http://hl7.org/fhir/ValueSet/ucum-vitals-common": _open("http://unitsofmeasure.org"),
    "http://hl7.org/fhir/ValueSet/ucum-common": _open("http://unitsofmeasure.org"),
    "http://hl7.org/fhir/ValueSet/ucum-units": _open("http://unitsofmeasure.org"),
    "http://hl7.org/fhir/ValueSet/ucum-bodytemp": _open("http://unitsofmeasure.org"),
    "http://hl7.org/fhir/ValueSet/ucum-bodyweight": _open("http://unitsofmeasure.org"),
    "http://hl7.org/fhir/ValueSet/ucum-bodylength": _open("http://unitsofmeasure.org"),
}


def grammar_of(url: str) -> Callable[[str | None, str, str | None], Membership] | None:
    return _GRAMMARS.get(url.partition("|")[0])


_UNIT = re.compile(
    r"(?:10[*^]|(?:\[[!-Z\\^-~]*\]|[A-Za-z%'\"_])+[0-9]*(?:\[[!-Z\\^-~]*\]|[A-Za-z%'\"_]+)*)(?:[+-]?[0-9]+)?"
)
_NUMBER = re.compile(r"[0-9]+")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")


def is_ucum(code: str) -> bool:
    """Whether a code has the form of a UCUM expression (ucum.org, section 2): terms of units, numbers and annotations.

    The form alone: whether each atom is one of UCUM's is left open.
    """
    end = _term(code, 0, 0)
    return end == len(code) and bool(code)


def _term(code: str, at: int, depth: int) -> int:
    """Where the term that begins at `at` ends, -1 if there is none."""
    if code[at : at + 1] == "/":
        at += 1
    while True:
        at = _component(code, at, depth)
        if at < 0 or code[at : at + 1] not in (".", "/"):
            return at
        at += 1


def _component(code: str, at: int, depth: int) -> int:
    if code[at : at + 1] == "(" and depth < 20:
        end = _term(code, at + 1, depth + 1)
        return end + 1 if end > 0 and code[end : end + 1] == ")" else -1
    found = _UNIT.match(code, at) or _NUMBER.match(code, at)
    note = _ANNOTATION.match(code, found.end() if found else at)
    return note.end() if note else found.end() if found else -1
