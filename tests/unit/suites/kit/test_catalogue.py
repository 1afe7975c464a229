"""The catalogue as it stands, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from suites.kit import catalogue, traceability
from suites.kit.catalogue import BadCatalogue
from suites.kit.outcomes import BadTarget

CHAPTERS = (
    *("smart-launch", "oauth-token", "scopes", "oidc", "oauth-security", "discovery", "errors", "security-transport"),
    *("documentation", "member-education", "member-portal", "registration"),
)
ENTRY = '["X-1"]\nlevel = "SHALL"\nactor = "server"\ntext = "t"\nsource = "s"\ndocument = "d"\nchapter = "c"\n'


def test_every_check_cites_requirements_there_are() -> None:
    entries = catalogue.load()
    for path in sorted(traceability.SUITES.glob("*/test_*.py")):
        for name, ids in traceability.cited(path):
            assert ids, f"{name} cites nothing"
            assert [id for id in ids if id not in entries] == [], name


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_entry_of_the_authorization_side_is_automated_or_for_review(chapter: str) -> None:
    rows = [row for row in traceability.matrix({})["entries"] if row["chapter"] == chapter]
    assert len(rows) > 3
    assert [row["id"] for row in rows if row["status"] == "open"] == []


def test_umbrellas_are_counted_with_what_decides_them() -> None:
    found = catalogue.load().with_umbrellas(["RFC6749-CLIENT-AUTH-02"])
    assert found[0] == "RFC6749-CLIENT-AUTH-02"
    assert "HEALTHSHARE-2.1.1-CLIENT-SECRET" in found


def test_prefixes_choose_and_unknown_ones_name_the_nearest() -> None:
    entries = catalogue.load()
    assert entries.matching(["RFC6749-CODE-01"]) == {"RFC6749-CODE-01"}
    assert len(entries.matching(["RFC6749-CODE"])) >= 5
    with pytest.raises(BadTarget, match="did you mean 'RFC6749-CODE-01'"):
        entries.matching(["RFC6749-CODE-O1"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("SHALL", "MUST"), "level 'MUST'"),
        (ENTRY + 'nots = "x"\n', "did you mean 'note'"),
        (ENTRY + 'review = ""\n', "non-empty"),
        (ENTRY.replace('actor = "server"\n', ""), "lacks actor"),
        ("][", "file.toml"),
    ],
)
def test_a_bad_entry_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCatalogue, match=said):
        catalogue.read_file(path)


def test_an_id_in_two_files_or_an_unknown_part_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(ENTRY, encoding="utf-8")
    (tmp_path / "two.toml").write_text(ENTRY, encoding="utf-8")
    with pytest.raises(BadCatalogue, match="already"):
        catalogue.load(tmp_path)
    (tmp_path / "two.toml").write_text(ENTRY.replace("X-1", "X-2") + 'decided_by = ["X-9"]\n', encoding="utf-8")
    with pytest.raises(BadCatalogue, match="X-9"):
        catalogue.load.__wrapped__(tmp_path)
