"""A member with tens of thousands of resources is judged in the memory of the budget, not of the record."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, whose peak is what is measured: N Observations on pages of 500, fetched, searched, read as sent, and compared.
PROGRAM = """
import resource, sys
from urllib.parse import parse_qsl, urlsplit
import orjson
from suites.kit.fhir import FhirClient
from suites.kit.http import Answer
from suites.record import spool
from suites.record.cases import Case
from suites.record.held import Record
from suites.record.judge import Judge

total, budget, SIZE = int(sys.argv[1]), int(sys.argv[2]), 500
spool.KEPT_BYTES = budget
room = spool.Budget(budget)
spool.budget = lambda: room
BASE = "https://payer.example/fhir"
CODES = ("8867-4", "9279-1", "8310-5")

def observation(number):
    return {
        "resourceType": "Observation", "id": f"o{number}", "status": "final",
        "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}, "subject": {"reference": "Patient/p"},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": CODES[number % 3]}], "text": "x" * 400},
        "effectiveDateTime": "2026-01-01", "valueQuantity": {"value": 1.5, "unit": "1"},
    }

class Server:
    def get(self, url, params=(), headers=None, token=""):
        whole = dict(parse_qsl(urlsplit(url).query)) | dict(params)
        page = int(whole.get("page", 0))
        code = whole.get("code", "")
        numbers = [n for n in range(page * SIZE, min(total, (page + 1) * SIZE)) if not code or CODES[n % 3] == code]
        more = (page + 1) * SIZE < total
        link = f"{BASE}/Observation?page={page + 1}" + (f"&code={code}" if code else "")
        bundle = {
            "resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": link}] if more else [],
            "entry": [{"resource": observation(n)} for n in numbers],
        }
        answer = "?".join((url, "&".join(f"{k}={v}" for k, v in whole.items())))
        return Answer("GET", answer, 200, (("content-type", "application/fhir+json"),), orjson.dumps(bundle), str(page))

record = Record(FhirClient(Server(), BASE, "token"), "p", "first")
judge = Judge((record,), ("us-core@3.1.1",))
case = Case("us-core@3.1.1", "Observation", "search", ("patient", "code"))
judge.search(case)
assert record.of("Observation").count == total
assert sum(1 for _ in record.of("Observation").as_sent(lambda one: one["id"].endswith("77"))) == total // 100
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak(total: int, budget: int) -> int:
    """MiB at most, for a record of so many resources and a budget in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(total), str(budget)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("budget", [1_000_000])
def test_memory_does_not_follow_the_record(budget: int) -> None:
    small, large = peak(2_000, budget), peak(16_000, budget)
    assert large - small < 12, f"{small} MiB for 2,000 resources, {large} MiB for 16,000"
