"""Which checks are asked about a fault, and in which order."""

from __future__ import annotations

from suites.proving.place import Check
from suites.proving.selection import CLAIMED, DECLARED, NEIGHBOURS, chapter, for_fault, for_variant, sampled
from tests.unit.suites.proving.made import check, fault


def table(*checks: Check) -> dict[str, Check]:
    return {one.id: one for one in checks}


def test_the_checks_of_the_requirement_and_of_its_chapter_are_asked() -> None:
    checks = table(check("tokens.a", "A"), check("tokens.b", "B"), check("launch.c", "C"))
    assert for_fault(fault(), checks, ()).first == ("tokens.a", "tokens.b")


def test_checks_of_what_also_fails_are_asked_too() -> None:
    checks = table(check("tokens.a", "A"), check("launch.c", "C"))
    assert for_fault(fault(also=["C"]), checks, ()).first == ("tokens.a", "launch.c")


def test_a_browser_is_driven_for_what_claims_the_fault_at_home_or_where_nothing_quicker_does() -> None:
    pages = [
        check("launch.page", "A"),
        check("launch.form", "A"),
        check("tokens.page", "A"),
        check("launch.other", "B"),
    ]
    browsing = {"launch.page", "tokens.page", "launch.other"}
    chosen = for_fault(fault(), table(*pages), browsing)
    assert chosen.first == ("launch.page", "launch.form")
    assert chosen.second == ("tokens.page",)
    away = [check("tokens.page", "A"), *(check(f"launch.form{number}", "A") for number in range(2))]
    assert for_fault(fault(), table(*away[:1]), browsing).first == ("tokens.page",)
    assert for_fault(fault(), table(*away), browsing).first == ("launch.form0", "launch.form1")


def test_generated_checks_are_sampled_first_and_all_asked_before_a_fault_survives() -> None:
    cases = [check(f"us_core.search[g-T{number % 3}-{number}]", "A", type=f"T{number % 3}") for number in range(40)]
    chosen = for_fault(fault(), table(*cases), ())
    assert len(chosen.first) == CLAIMED
    assert set(chosen.first) | set(chosen.second) == {one.id for one in cases}
    assert not set(chosen.first) & set(chosen.second)


def test_a_sample_has_every_type_once_before_any_twice() -> None:
    cases = [check(f"us_core.search[g-T{number // 10}-{number}]", "A", type=f"T{number // 10}") for number in range(40)]
    assert {one.type for one in sampled(cases, 4)} == {"T0", "T1", "T2", "T3"}


def test_a_sample_takes_turns_among_types_and_keeps_the_functions_apart() -> None:
    of_one = [check(f"c.one[g-{type}-{number}]", "A", type=type) for type in ("T", "U") for number in range(3)]
    of_two = [check(f"c.two[g-T-{number}]", "A", type="T") for number in range(3)]
    kept = [one.id for one in sampled([*of_one, check("c.hand", "A"), *of_two], 3)]
    assert kept == [
        "c.hand",
        "c.one[g-T-0]",
        "c.one[g-U-0]",
        "c.one[g-T-1]",
        "c.two[g-T-0]",
        "c.two[g-T-1]",
        "c.two[g-T-2]",
    ]
    assert [one.id for one in sampled(of_one, 4)][3] == "c.one[g-U-1]"


def test_neighbours_and_what_is_declared_are_sampled_too() -> None:
    claiming = [check("c.own", "A")]
    declared = [check(f"d.declared[g-T-{number}]", "D", type="T") for number in range(9)]
    beside = [check(f"c.beside[g-T-{number}]", "B", type="T") for number in range(9)]
    chosen = for_fault(fault(also=["D"]), table(*claiming, *declared, *beside), ()).first
    assert sum(one.startswith("d.declared") for one in chosen) == DECLARED
    assert sum(one.startswith("c.beside") for one in chosen) == NEIGHBOURS


def test_the_home_is_where_most_checks_cite_the_requirement_and_the_first_by_name_of_equals() -> None:
    assert chapter("A", [check("b.one", "A"), check("c.one", "A"), check("c.two", "A"), check("a.one", "A")]) == "c"
    assert chapter("A", [check("b.one", "A"), check("a.one", "A")]) == "a"
    umbrella = [check(f"us_core.s{number}", "A", "B", cited=("B",)) for number in range(5)]
    chosen = for_fault(fault(), table(*umbrella, check("search.own", "A"), check("search.other", "C")), ())
    assert "search.other" in chosen.first


def test_the_whole_suite_is_asked_where_it_was_asked_for() -> None:
    checks = table(check("tokens.a", "A"), check("launch.c", "C"))
    assert for_fault(fault(), checks, (), full=True).first == tuple(checks)
    assert for_variant(checks, full=True) == tuple(checks)


def test_a_variant_meets_every_check_written_by_hand() -> None:
    cases = [check(f"us_core.search[g-T-{number}]", "A", type="T") for number in range(40)]
    chosen = for_variant(table(check("tokens.a", "A"), *cases))
    assert "tokens.a" in chosen
    assert 1 < len(chosen) < 10


def test_a_requirement_is_at_home_where_checks_cite_it_themselves() -> None:
    umbrella = [check(f"us_core.s{number}", "A", "B", cited=("B",)) for number in range(5)]
    assert chapter("A", [*umbrella, check("search.own", "A")]) == "search"
    assert chapter("A", umbrella) == "us_core"
    assert chapter("A", []) == ""
