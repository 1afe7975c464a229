"""Forms of an HTML page as a browser without scripts would fill and submit them; simple selectors find their controls.

Understands tag, #id, .class and [attribute], [attribute=value] (also ^=, $=, *=, ~=) joined in one compound, several with commas,
and Playwright's `:has-text("…")` and `text=`. Anything else is NotPlain: the page needs a browser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"input", "img", "br", "hr", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}
_PART = re.compile(
    r"""(?P<tag>^[a-zA-Z][\w-]*|^\*)|\#(?P<id>[\w-]+)|\.(?P<cls>[\w-]+)"""
    r"""|\[(?P<attr>[\w-]+)(?:(?P<op>[~^$*]?=)(?:"(?P<dq>[^"]*)"|'(?P<sq>[^']*)'|(?P<bare>[^\]]*)))?\]"""
    r"""|:has-text\((?:"(?P<hdq>[^"]*)"|'(?P<hsq>[^']*)')\)"""
)


class NotPlain(ValueError):
    """A selector or page only a browser understands."""


@dataclass
class Element:
    """One element with its attributes, its text and the form it belongs to."""

    tag: str
    attributes: dict[str, str]
    form: Form | None
    text: str = ""
    value: str = ""
    checked: bool = False
    options: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The control's name."""
        return self.attributes.get("name", "")

    @property
    def kind(self) -> str:
        """What sort of control: the type of an input or button, else the tag."""
        return self.attributes.get("type", "submit" if self.tag == "button" else "text").lower()

    def submits(self) -> bool:
        """Whether pressing it sends its form."""
        return (self.tag == "button" and self.kind == "submit") or (
            self.tag == "input" and self.kind in ("submit", "image")
        )


@dataclass(eq=False)
class Form:
    """A form: where it goes, how, and its controls in order."""

    action: str
    method: str
    controls: list[Element] = field(default_factory=list)

    def pairs(self, pressed: Element | None = None) -> list[tuple[str, str]]:
        """What it submits: successful controls in document order (HTML, form submission)."""
        sent: list[tuple[str, str]] = []
        for control in self.controls:
            if not control.name or "disabled" in control.attributes:
                continue
            if control.submits():
                if control is pressed:
                    sent.append((control.name, control.attributes.get("value", "")))
            elif control.kind in ("checkbox", "radio"):
                if control.checked:
                    sent.append((control.name, control.attributes.get("value", "on")))
            elif control.kind not in ("button", "reset", "file"):
                sent.append((control.name, control.value))
        return sent


class Page(HTMLParser):
    """An HTML page, parsed once."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.forms: list[Form] = []
        self.title = ""
        self._open: list[Element] = []
        self._form: Form | None = None
        self._hidden = 0
        self._text: list[str] = []
        self._by_id: dict[str, Form] = {}
        self.feed(html)
        self.close()
        self.text = re.sub(r"\s+", " ", " ".join(self._text)).strip()
        for element in self.elements:
            owner = self._by_id.get(element.attributes.get("form", ""))
            if owner is not None and element.form is not owner:
                element.form = owner
                owner.controls.append(element)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = {name: value or "" for name, value in attrs}
        if tag in ("script", "style", "template", "noscript"):
            self._hidden += 1
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
            if "id" in attributes:
                self._by_id[attributes["id"]] = self._form
        element = Element(
            tag, attributes, self._form, value=attributes.get("value", ""), checked="checked" in attributes
        )
        self.elements.append(element)
        if tag in ("input", "button", "select", "textarea") and self._form is not None:
            self._form.controls.append(element)
        if tag == "option":
            self._option(attributes)
        if tag not in _VOID:
            self._open.append(element)

    def _option(self, attributes: dict[str, str]) -> None:
        owner = next((one for one in reversed(self._open) if one.tag == "select"), None)
        if owner is not None:
            owner.options.append((attributes.get("value", ""), "selected" in attributes))
            owner.value = next((value for value, chosen in owner.options if chosen), owner.options[0][0])

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag in ("script", "style", "template", "noscript"):
            self._hidden = max(0, self._hidden - 1)
        if tag == "form":
            self._form = None
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index].tag == tag:
                del self._open[index:]
                break

    def handle_data(self, data: str) -> None:
        """Text belongs to every open element."""
        if self._hidden:
            return
        self._text.append(data)
        for element in self._open:
            element.text += data
            if element.tag == "title":
                self.title += data
            if element.tag == "textarea":
                element.value += data

    def find(self, selector: str) -> list[Element]:
        """The elements a simple selector names, in document order."""
        if selector.startswith("text="):
            wanted = selector[5:].strip("\"'").casefold()
            return [
                one for one in self.elements if wanted in one.text.casefold() and one.tag in ("a", "button", "label")
            ]
        alternatives = [_compound(part.strip()) for part in _split_commas(selector)]
        return [one for one in self.elements if any(_matches(one, tests) for tests in alternatives)]


def _split_commas(selector: str) -> list[str]:
    return re.findall(r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^,])+""", selector)


Tests = list[tuple[str, str, str]]


def _compound(selector: str) -> Tests:
    tests: Tests = []
    at = 0
    while at < len(selector):
        found = _PART.match(selector, at) if at else _PART.match(selector)
        if not found or found.end() == at:
            raise NotPlain(f"the selector {selector!r} needs a browser")
        at = found.end()
        part = found.groupdict()
        if part["tag"]:
            tests.append(("tag", "", part["tag"].lower()))
        elif part["id"]:
            tests.append(("id", "=", part["id"]))
        elif part["cls"]:
            tests.append(("class", "~=", part["cls"]))
        elif part["attr"]:
            value = next((part[key] for key in ("dq", "sq", "bare") if part[key] is not None), "")
            tests.append((part["attr"].lower(), part["op"] or "?", value))
        else:
            tests.append(("text", "", part["hdq"] or part["hsq"] or ""))
    return tests


def _matches(element: Element, tests: Tests) -> bool:
    for name, how, value in tests:
        if name == "tag" and not how:
            if value not in ("*", element.tag):
                return False
            continue
        if name == "text" and not how:
            if value.casefold() not in (element.text or element.value).casefold():
                return False
            continue
        if name not in element.attributes:
            return False
        got = element.attributes[name]
        ok = {
            "?": True,
            "=": got == value,
            "~=": value in got.split(),
            "^=": got.startswith(value),
            "$=": got.endswith(value),
            "*=": value in got,
        }[how]
        if not ok:
            return False
    return True
