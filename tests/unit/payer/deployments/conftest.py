"""Every deployment that stands for a payer, running; and an app whose member passes whatever gates the deployment has."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.deployments_table import COLUMNS
from tests.unit.payer.running import ANSWERS, CONTEXT, App, Running, dataset, running


class Walker(App):
    """An app at any deployment: the kind of client it registers, and the second factor, question or identifier it asks for."""

    def __init__(self, at: Running, client: str = "") -> None:
        super().__init__(
            at, client or next(name for name in ("public", "confidential-symmetric") if name in at.clients)
        )
        self.gates: list[str] = []  # what was asked between the password and the consent, in its order

    def sign_in(self, member: str = "member1", password: str = "", **changed: Any) -> httpx.Response:
        page = super().sign_in(member, **({"password": password} if password else {}), **changed)
        for _ in range(5):
            answer = self._gate(page, member)
            if answer is None:
                break
            page = self.next_page(answer)
        return page

    def _gate(self, page: httpx.Response, member: str) -> httpx.Response | None:
        """The answer to one gate; None where the page is none."""
        if 'name="one_time_code"' in page.text:
            self.gates.append("second factor")
            (mail, *_) = httpx.get(f"{self.at.control}/mailbox/{member}", verify=CONTEXT).json()[::-1]
            return self.post(page, one_time_code=re.findall(r"\d{6}", mail["body"])[0])
        if 'name="answer"' in page.text:
            self.gates.append("question")
            asked = html.unescape(re.findall(r'<label for="answer">([^<]+)<', page.text)[0])
            return self.post(page, answer=ANSWERS[asked.strip()])
        if 'name="unique_client_identifier"' in page.text:
            self.gates.append("identifier")
            return self.post(page, unique_client_identifier=f"UCI-{member[-1]}")
        return None


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module", params=COLUMNS)
def deployed(folder: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    with running(folder, request.param) as found:
        yield found


@pytest.fixture
def at(deployed: Running) -> Iterator[Running]:
    yield deployed
    deployed.faults()
    deployed.clock(reset=True)


@pytest.fixture
def app(at: Running) -> Walker:
    return Walker(at)


@pytest.fixture
def smart(at: Running) -> dict[str, Any]:
    """The SMART discovery document."""
    found: dict[str, Any] = httpx.get(f"{at.fhir}/.well-known/smart-configuration", verify=CONTEXT).json()
    return found


@pytest.fixture
def openid(at: Running) -> dict[str, Any]:
    """The OpenID Connect discovery document."""
    issuer = at.payer.url(at.payer.deployment.endpoints.issuer)
    found: dict[str, Any] = httpx.get(f"{issuer}/.well-known/openid-configuration", verify=CONTEXT).json()
    return found


@pytest.fixture
def documentation(at: Running) -> dict[str, Any]:
    """The public documentation as data."""
    found: dict[str, Any] = httpx.get(f"{at.at('documentation')}/api.json", verify=CONTEXT).json()
    return found


@pytest.fixture
def statement(at: Running) -> dict[str, Any]:
    """The CapabilityStatement of the members' base."""
    found: dict[str, Any] = httpx.get(f"{at.fhir}/metadata", verify=CONTEXT).json()
    return found
