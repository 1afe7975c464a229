"""Login recipes: which steps are done for whom, placeholders, one-time codes, answers."""

from __future__ import annotations

import pyotp
import pytest

from suites.kit import landing, recipe
from suites.kit.recipe import CannotFill, Choices, Identity, Step

ANNA = Identity(
    "anna", "pass-word", "JBSWY3DPEHPK3PXP", {"first pet": "Rex", "name of your first pet": "Rex the dog"}, "p1"
)


def test_only_the_wanted_button_is_pressed() -> None:
    approve, deny = Step("approve", "#yes"), Step("deny", "#no")
    assert recipe.wanted(approve, ANNA, Choices()) == [{}]
    assert recipe.wanted(deny, ANNA, Choices()) == []
    assert recipe.wanted(approve, ANNA, Choices(approve=False)) == []
    assert recipe.wanted(deny, ANNA, Choices(approve=False)) == [{}]


def test_scopes_are_unticked_only_where_a_check_withholds_them() -> None:
    step = Step("untick", "input[value='{scope}']")
    assert recipe.wanted(step, ANNA, Choices()) == []
    assert recipe.wanted(step, ANNA, Choices(withhold=("a", "b"))) == [{"scope": "a"}, {"scope": "b"}]


def test_kinds_of_data_are_unticked_only_where_a_check_keeps_them_back() -> None:
    step = Step("untick", "input[value='{category}']")
    assert recipe.wanted(step, ANNA, Choices(withhold=("a",))) == []
    assert recipe.wanted(step, ANNA, Choices(keep_back=("clinical",))) == [{"category": "clinical"}]


def test_a_stuck_recipe_names_what_it_left_out() -> None:
    assert landing.passed_over([]) == ""
    assert "step 1 (fill #user)" in landing.passed_over(["step 1 (fill #user)"])


def test_the_person_is_the_member_unless_a_check_chooses() -> None:
    step = Step("choose", "input[value='{patient}']")
    assert recipe.wanted(step, ANNA, Choices()) == [{"patient": "p1"}]
    assert recipe.wanted(step, ANNA, Choices(person="child")) == [{"patient": "child"}]


def test_placeholders_are_filled_and_unknown_ones_refused() -> None:
    assert recipe.filled("{username}:{password}@{scope}", ANNA, {"scope": "x"}) == "anna:pass-word@x"
    with pytest.raises(CannotFill, match="nonsense"):
        recipe.filled("{nonsense}", ANNA, {})


def test_the_longest_question_on_the_page_is_answered() -> None:
    assert recipe.answer_for(ANNA, "What was the NAME of your first pet?") == "Rex the dog"
    with pytest.raises(CannotFill, match="asks a question"):
        recipe.answer_for(ANNA, "Where were you born?")


@pytest.fixture(autouse=True)
def nothing_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No code was typed before a test, so that it can run twice in one process."""
    monkeypatch.setattr(recipe, "_used", {})


def test_one_time_codes_follow_rfc_6238(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe.time, "time", lambda: 1_700_000_010.0)
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    # pyotp is a second opinion: the code the judges type is made by their own few lines.
    assert recipe.one_time_code(Identity("b", "p", seed)) == pyotp.TOTP(seed).at(1_700_000_010)
    with pytest.raises(CannotFill, match="totp_seed"):
        recipe.one_time_code(Identity("b", "p"))
    with pytest.raises(CannotFill, match="base32"):
        recipe.one_time_code(Identity("b", "p", "not base32!"))


def test_a_code_another_process_may_have_typed_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now, seed = [1_700_000_012.0], "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK"
    monkeypatch.setattr(recipe.time, "time", lambda: now[0])
    monkeypatch.setattr(recipe.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setenv(recipe.CODES_TYPED_UNTIL, "1700000011")
    code = recipe.one_time_code(Identity("c", "p", seed))
    assert now[0] >= 1_700_000_040
    assert code == pyotp.TOTP(seed).at(int(now[0]))


def test_a_one_time_code_is_never_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_010.0]
    monkeypatch.setattr(recipe.time, "time", lambda: now[0])
    monkeypatch.setattr(recipe.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    member = Identity("c", "p", "JBSWY3DPEHPK3PXQ")
    first, second = recipe.one_time_code(member), recipe.one_time_code(member)
    assert first != second
    assert now[0] > 1_700_000_020


def test_codes_are_found_in_commands_and_messages() -> None:
    assert recipe.code_from_command(("echo", "your code is 123456")) == "123456"
    assert recipe.code_in("old 111111, new 222222.") == "222222"
    with pytest.raises(CannotFill):
        recipe.code_in("no code here")


def test_codes_follow_the_clock_of_a_payer_that_was_moved() -> None:
    moment = 2_000_000_000.0
    seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    recipe.tell_time_by(lambda: moment)
    try:
        assert recipe.one_time_code(Identity("m", "p", seed)) == pyotp.TOTP(seed).at(int(moment))
        assert recipe.last_typed(seed) == int(moment // 30)
    finally:
        recipe.tell_time_by(None)
        recipe._used.pop(seed)
