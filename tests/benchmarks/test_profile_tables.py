"""Profile tables: size on disk, seconds to a first structure, memory with one family and with everything read."""

from __future__ import annotations

import subprocess
import sys
import time

from suites.profiles.finding import shipped_guides
from suites.profiles.tables import SHIPPED

FIRST = "from suites.profiles.registry import Registry\nRegistry(['us-core@3.1.1']).structure('Patient')"
READ = """
import sys, psutil
before = psutil.Process().memory_info().rss
from suites.profiles.registry import Registry
registry = Registry(sys.argv[1:])
assert all(registry.structure(url) and True for guide in registry.order for url in guide.structures)
assert all(registry.value_set(url) is not None for guide in registry.order for url in guide.value_sets)
print((psutil.Process().memory_info().rss - before) / 2**20)
"""


def memory(*guides: str) -> float:
    done = subprocess.run([sys.executable, "-c", READ, *guides], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_tables_on_disk_and_in_memory() -> None:
    files = list(SHIPPED.rglob("*.json"))
    assert files
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST], check=True)
    first = time.perf_counter() - started
    family = memory("carin-bb@2.0.0", "pdex@2.0.0")
    everything = memory(*(guide.name.short for guide in shipped_guides()))
    print(f"\n{len(files)} table files, {sum(f.stat().st_size for f in files) / 2**20:.1f} MiB")
    print(f"first structure, interpreter and imports included: {first:.2f} s")
    print(
        f"every structure and value set read: {family:.0f} MiB with one family, {everything:.0f} MiB with every guide"
    )
