"""The one repository of FHIR resources: bytes as loaded, beside the facts searches ask for."""

from __future__ import annotations

from simulators.payer.database import Database


class Store:
    """Resources of one payer in its database."""

    def __init__(self, database: Database) -> None:
        self.database = database
