"""`--scheduler`: a local Dask cluster of two workers makes the same bytes as one process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from synthetic_data.build import Specification, build
from synthetic_data.generating import WrongArguments, dask_executor
from synthetic_data.records import FAMILIES

pytest.importorskip("distributed", reason="the extra `dask` is not installed")

SPECIFICATION = Specification(
    members=70, seed=7, family="current", guides=FAMILIES["current"], as_of=datetime(2026, 7, 1, 7, tzinfo=UTC)
)


def test_a_cluster_of_two_workers_makes_the_same_bytes(tmp_path: Path) -> None:
    from distributed import LocalCluster

    build(SPECIFICATION, tmp_path / "one")
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        build(SPECIFICATION, tmp_path / "cluster", executor=dask_executor(cluster.scheduler_address))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "cluster").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "cluster" / name).read_bytes(), name


def test_a_scheduler_that_does_not_answer_is_said() -> None:
    with pytest.raises(WrongArguments, match="no Dask scheduler answers"):
        dask_executor("tcp://127.0.0.1:9")
