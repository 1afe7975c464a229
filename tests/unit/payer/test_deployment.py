"""Deployments are read strictly: what is not understood is refused with its place and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.payer import deployment
from simulators.payer.deployment import BadDeployment, Deployment


def test_the_reference_is_the_defaults() -> None:
    assert deployment.load("reference") == Deployment()


@pytest.mark.parametrize("name", deployment.names())
def test_a_deployment_that_ships_is_read_and_named_as_its_file(name: str) -> None:
    assert deployment.load(name).name == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nam = 'x'", "unknown key 'nam'; did you mean 'name'"),
        ("[limits]\nrequest = 5", "limits: unknown key 'request'; did you mean 'requests'"),
        ("[authorization]\nsmart = '1.0'", "did you mean '1.0.0'"),
        ("[fhir]\npage_size = '3'", "expected int, found str"),
        ("[fhir]\nbulk = 1", "expected bool, found int"),
        ("[limits]\nrequests = 0", "limits.requests: 0 must be at least 1"),
        ("authorization = 4", "expected a table"),
        ("[endpoints]\nfhir = 'fhir'", "must start with /"),
        ("[endpoints]\ntoken = ''", "cannot be empty"),
        ("[authorization]\npkce = 'optional'", "requires PKCE"),
        ("[authorization]\nsmart = '1.0.0'\npkce = 'absent'", "public clients need PKCE"),
        ("[payer]\nrating_period_start = '2026-07-01'", "expected a date"),
        ("[[onboarding.criteria]]\nid = 'x'", "'title' is missing"),
        ("= 3", "not TOML"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(BadDeployment) as caught:
        deployment.load(path)
    assert says in str(caught.value)
    assert "odd.toml" in str(caught.value)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadDeployment, match="did you mean 'reference'"):
        deployment.load("referense")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDeployment, match=r"absent\.toml: cannot be read"):
        deployment.load(tmp_path / "absent.toml")
