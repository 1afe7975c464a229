"""docs/deployments.md is what the deployments say today, and every row has a test or a reason for review."""

from __future__ import annotations

from pathlib import Path

from tests.contract import deployments_table as table

ROOT = Path(__file__).parents[2]


def test_the_document_is_fresh() -> None:
    assert table.PAGE.read_text("utf-8") == table.page(), "run: python -m tests.contract.deployments_table"


def test_every_statement_of_a_founding_document_is_shown_or_reviewed() -> None:
    known = table.evidence()
    unshown = [
        id
        for document in table.DOCUMENTS.values()
        for id, entry in table.catalogue(document).items()
        if not table.shown_by(id, entry, known)
    ]
    assert unshown == []


def test_every_linked_test_is_there() -> None:
    known = table.evidence()
    for test in {*known["tests"].values(), *known["settings"].values()}:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), path
        if name:
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), test


def test_every_setting_is_shown_at_every_deployment() -> None:
    known = table.evidence()
    names = table.settings(table.deployments.load("reference"))
    assert [name for name in names if name not in known["settings"]] == []
    assert [name for name in known["settings"] if name not in names] == []
    assert [one for one in known["rows"].values() if one not in names] == []
    for test in set(known["settings"].values()):
        assert test.startswith("tests/unit/payer/deployments/"), f"{test} does not run at every deployment"
