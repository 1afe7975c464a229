"""Which faults of the reference payer have been declared against which requirement: `suites/requirements/faults.json`.

The judges never import the payer; this table is generated from its catalogue of faults, and a test of ours fails when it is stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from suites.kit.catalogue import FOLDER, BadCatalogue

TABLE = FOLDER / "faults.json"


def declared(path: Path = TABLE) -> dict[str, list[str]]:
    """Requirement ids with the ids of the faults that break them."""
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as wrong:
        raise BadCatalogue(f"{path.name}: {wrong}") from None
    return {str(id): [str(one) for one in faults] for id, faults in document.items()}
