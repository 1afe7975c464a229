"""Narrative.div (FHIR R4 narrative.html): well-formed XHTML of the allowed elements and attributes, txt-1 and txt-2.

No DTD is read and no entity but XML's own five is known, so that nothing in a div can make the parser work without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
ELEMENTS = frozenset(
    [
        "p",
        "br",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "a",
        "span",
        "b",
        "em",
        "i",
        "strong",
        "small",
        "big",
        "tt",
        "dfn",
        "q",
        "var",
        "abbr",
        "acronym",
        "cite",
        "blockquote",
        "hr",
        "address",
        "bdo",
        "kbd",
        "sub",
        "sup",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "pre",
        "table",
        "caption",
        "colgroup",
        "col",
        "thead",
        "tr",
        "tfoot",
        "tbody",
        "th",
        "td",
        "code",
        "samp",
        "img",
        "map",
        "area",
        "ins",
        "del",
    ]
)
_COMMON = frozenset(
    [
        "title",
        "style",
        "class",
        "id",
        "lang",
        "xml:lang",
        "dir",
        "accesskey",
        "tabindex",
        "xmlns",
        "charset",
        "type",
        "name",
        "href",
        "hreflang",
        "rel",
        "rev",
        "shape",
        "coords",
        "target",
    ]
)
_OF_ELEMENT = {
    "span": "", "col": "span align valign", "colgroup": "align valign", "thead": "align valign", "tbody": "align valign", "tfoot": "align valign",
    "tr": "align valign bgcolor", "td": "abbr axis headers scope rowspan colspan align valign width height bgcolor nowrap", "th": "abbr axis headers scope rowspan colspan align valign width height bgcolor nowrap",
    "table": "summary width border frame rules cellspacing cellpadding align bgcolor", "img": "src alt longdesc height width usemap ismap align border",
    "area": "alt nohref", "q": "cite", "blockquote": "cite", "ins": "cite datetime", "del": "cite datetime", "ol": "start", "ul": "", "li": "value", "hr": "width align size noshade",
    "p": "align", "div": "align", "h1": "align", "h2": "align", "h3": "align", "h4": "align", "h5": "align", "h6": "align", "br": "clear", "caption": "align",
}  # fmt: skip
_TAG = re.compile(r"<([A-Za-z!?][^>]*)>")
_ATTRIBUTE = re.compile(r"""([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
_TEXT = re.compile(r">\s*[^<\s]")
_BLANK_ENTITY = re.compile(r"&#(160|xA0|32|x20);", re.I)
_USUAL = f'<div xmlns="{XHTML}">'
_good_tags: set[str] = set()


def complaints(div: str) -> Iterator[tuple[str, str]]:
    """(rule, message) for everything wrong with the XHTML."""
    if "!" in div and ("<!DOCTYPE" in div or "<!ENTITY" in div):
        yield "xhtml-malformed", "a div holds no document type declaration"
        return
    parser = expat.ParserCreate(namespace_separator=None)
    try:
        parser.Parse(div, True)
    except expat.ExpatError as wrong:
        if wrong.code == 11:  # undefined entity
            yield (
                "xhtml-entity",
                f"an entity that XML does not define, in line {wrong.lineno} column {wrong.offset + 1} of the div; use the character itself",
            )
        else:
            yield (
                "xhtml-malformed",
                f"not well-formed XHTML: {expat.ErrorString(wrong.code)} in line {wrong.lineno} column {wrong.offset + 1} of the div",
            )
        return
    except (ValueError, UnicodeEncodeError):
        yield "xhtml-malformed", "not well-formed XHTML"
        return
    tags = set(_TAG.findall(div))
    for tag in tags - _good_tags:
        wrong_tag = list(_about_tag(tag))
        if wrong_tag:
            yield from wrong_tag
        elif len(_good_tags) < 10_000 and len(tag) < 200:
            _good_tags.add(tag)
    if not div.startswith(_USUAL):
        opening = _TAG.search(div)
        first = opening.group(1) if opening else ""
        if first.split()[0].rstrip("/") != "div":
            yield "txt-1", "the narrative must be one <div>"
        elif f'xmlns="{XHTML}"' not in first and f"xmlns='{XHTML}'" not in first:
            yield "xhtml-namespace", f"the <div> must be in the namespace {XHTML}"
    if not _has_text(div) and "<img" not in div:
        yield "txt-2", "the narrative must have some content that is not white space"


def _has_text(div: str) -> bool:
    found = _TEXT.search(div)
    if found is None or found.group()[-1] != "&":
        return found is not None
    return _TEXT.search(_BLANK_ENTITY.sub("", div)) is not None


def _about_tag(tag: str) -> Iterator[tuple[str, str]]:
    if tag[0] in "!?":
        if tag[0] == "?":
            yield "xhtml-malformed", "a div holds no processing instruction"
        return
    name = re.split(r"[\s/]", tag, maxsplit=1)[0]
    if name not in ELEMENTS:
        yield "xhtml-element", f"element <{name}> is not allowed in a narrative"
        return
    own = frozenset(_OF_ELEMENT.get(name, "").split())
    for attribute, _ in _ATTRIBUTE.findall(tag[len(name) :]):
        if attribute not in _COMMON and attribute not in own and not attribute.startswith("xmlns:"):
            yield "xhtml-attribute", f"attribute '{attribute}' is not allowed on <{name}>"
