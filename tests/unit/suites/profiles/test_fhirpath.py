"""FHIRPath: what expressions give, by chapter of the specification."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from suites.profiles.fhirpath import NotFHIRPath, compile_expression, compile_invariant
from suites.profiles.fhirpath.syntax import parse
from suites.profiles.finding import shipped_guides
from tests.unit.suites.profiles.fhirpath_samples import OBSERVATION, PATIENT, given


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # paths
        ("name.given", ["Ina", "Jo", "Ina"]),
        ("Patient.name.family", ["Ash", "Birch"]),
        ("Observation.status", []),
        ("name[0].given[1]", ["Jo"]),
        ("name[7]", []),
        ("`name`.`use`", ["official", "usual", "maiden"]),
        ("gender", [None]),
        ("gender.extension.value", ["unknown"]),
        ("birthDate.extension('http://x.example/time').value", ["1980-02-29T10:00:00-07:00"]),
        ("deceased", [False]),
        ("nothing", []),
        ("{}", []),
        # existence
        ("name.exists()", [True]),
        ("nothing.exists()", [False]),
        ("nothing.empty()", [True]),
        ("name.exists(use = 'usual')", [True]),
        ("name.all(given.exists())", [False]),
        ("nothing.all(given.exists())", [True]),
        ("name.given.count()", [3]),
        ("name.given.distinct()", ["Ina", "Jo"]),
        ("name.given.isDistinct()", [False]),
        ("(true | false).allTrue()", [False]),
        ("(true | false).anyTrue()", [True]),
        ("(false | false).allFalse()", [True]),
        ("{}.anyFalse()", [False]),
        ("name.use.subsetOf('official' | 'usual' | 'maiden')", [True]),
        ("name.use.supersetOf('official' | 'old')", [False]),
        ("active.not()", [False]),
        ("nothing.not()", []),
        ("gender.exists()", [True]),
        ("gender.hasValue()", [False]),
        ("birthDate.hasValue()", [True]),
        # filtering and projection
        ("name.where(use = 'usual').given", ["Ina"]),
        ("name.where($index = 2).family", ["Birch"]),
        ("name.select(given.first() | family)", ["Ina", "Ash", "Ina", "Birch"]),
        ("name.select($index)", [0, 1, 2]),
        ("name.given.where($this = 'Jo')", ["Jo"]),
        ("contact.repeat(telecom).value", ["1", "a@x.example"]),
        ("deceased.ofType(boolean)", [False]),
        ("deceased.ofType(dateTime)", []),
        ("contained.ofType(Organization).name", ["Plan"]),
        # subsetting and combining
        ("name.given.first()", ["Ina"]),
        ("name.given.last()", ["Ina"]),
        ("name.given.tail()", ["Jo", "Ina"]),
        ("name.given.skip(1).take(1)", ["Jo"]),
        ("name.given.skip(-1).count()", [3]),
        ("name[0].given.intersect(name[1].given)", ["Ina"]),
        ("name[0].given.exclude(name[1].given)", ["Jo"]),
        ("name.given | name.family", ["Ina", "Jo", "Ash", "Birch"]),
        ("name.given.combine(name.family).count()", [5]),
        ("name.given.union('Ina').count()", [2]),
        # conversion
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("iif(nothing.exists(), 'yes')", []),
        ("name.iif(count() > 2, first().family, 'few')", ["Ash"]),
        ("'12'.toInteger() + 1", [13]),
        ("'x'.toInteger()", []),
        ("'1.50'.toDecimal()", [Decimal("1.50")]),
        ("true.toString()", ["true"]),
        ("'T'.toBoolean()", [True]),
        ("'2020-05'.toDate() = @2020-05", [True]),
        ("'4 days'.toQuantity() = 4 days", [True]),
        ("'maybe'.convertsToBoolean()", [False]),
        ("1.convertsToDecimal()", [True]),
        # text
        ("'abc'.startsWith('a') and 'abc'.endsWith('c') and 'abc'.contains('b')", [True]),
        ("'abc'.substring(1)", ["bc"]),
        ("'abc'.substring(1, 1)", ["b"]),
        ("'abc'.substring(3)", []),
        ("'abc'.indexOf('c')", [2]),
        ("'abc'.length()", [3]),
        ("'abc'.upper() + 'D'.lower()", ["ABCd"]),
        ("'a-b'.replace('-', '+')", ["a+b"]),
        ("'a1b22'.replaceMatches('[0-9]+', '#')", ["a#b#"]),
        ("'2020-01'.replaceMatches('(\\\\d+)-(\\\\d+)', '$2/$1')", ["01/2020"]),
        ("'abc'.matches('b')", [True]),
        ("'abc'.matches('^b$')", [False]),
        ("'abc'.toChars()", ["a", "b", "c"]),
        ("'a,b'.split(',').join(';')", ["a;b"]),
        ("' a '.trim()", ["a"]),
        ("nothing.startsWith('a')", []),
        ("'\\u0041\\t\\''", ["A\t'"]),
        # mathematics
        ("(1 + 2 * 3 - 4) / 2", [Decimal("1.5")]),
        ("7 div 2", [3]),
        ("-7 div 2", [-3]),
        ("7 mod 2", [1]),
        ("1 / 0", []),
        ("(-3).abs() + 2.power(3)", [11]),
        ("(1.5).round() + (1.2).ceiling() + (1.8).floor() + (2.9).truncate()", [Decimal(7)]),
        ("9.sqrt()", [Decimal(3)]),
        ("(-1).sqrt()", []),
        ("'a' & nothing & 'b'", ["ab"]),
        ("'a' + nothing", []),
        # equality and comparison
        ("name.given = ('Ina' | 'Jo')", [False]),
        ("name.use != nothing", []),
        ("name[0].given = name[0].given", [True]),
        ("'Ab  c' ~ 'ab C'", [True]),
        ("(1 | 2) ~ (2 | 1)", [True]),
        ("1.0 = 1", [True]),
        ("'a' !~ 'b'", [True]),
        ("contact.telecom.where(rank > 1).system", ["phone"]),
        ("'a' < 'b'", [True]),
        ("nothing < 1", []),
        ("'Ina' in name.given", [True]),
        ("name.given contains 'Zoe'", [False]),
        ("nothing in name.given", []),
        # dates
        ("birthDate < @1980-03", [True]),
        ("birthDate = @1980-02-29", [True]),
        ("@2020 = @2020-05", []),
        ("@2020 < @2021-05", [True]),
        ("@2020-01-01T10:00:00Z = @2020-01-01T03:00:00-07:00", [True]),
        ("@2020-01-01T10:00:00 < @2020-01-01T11:00:00Z", []),
        ("@2020-01-31 + 1 month", ["2020-02-29"]),
        ("@2020-02-29 - 1 year", ["2019-02-28"]),
        ("@2020-12-31T23:59:59.5Z + 1 second", ["2021-01-01T00:00:00.5Z"]),
        ("@T10:30 + 90 minutes", ["12:00"]),
        ("@2020 + 24 months", ["2022"]),
        ("today() >= @2020-01-01", [True]),
        # logic: the three values
        ("true and nothing", []),
        ("false and nothing", [False]),
        ("true or nothing", [True]),
        ("false or nothing", []),
        ("true xor true", [False]),
        ("nothing implies true", [True]),
        ("nothing implies false", []),
        ("true implies nothing", []),
        ("false implies nothing", [True]),
        ("name.exists() and 'text'", [True]),
        # variables, precedence, types, walking
        ("%resource.id", ["p"]),
        ("%ucum", ["http://unitsofmeasure.org"]),
        ("%`vs-languages`", ["http://hl7.org/fhir/ValueSet/languages"]),
        ("%`ext-patient-birthTime`", ["http://hl7.org/fhir/StructureDefinition/patient-birthTime"]),
        ("1 + 2 = 3 and 2 > 1 or false", [True]),
        ("true or true and false", [True]),
        ("(true or true) and false", [False]),
        ("1 | 2 | 1", [1, 2]),
        ("$this is Patient", [True]),
        ("$this is DomainResource", [True]),
        ("contained.first() is Patient", [False]),
        ("deceased is boolean", [True]),
        ("deceased is Boolean", [True]),
        ("(deceased as boolean).not()", [True]),
        ("managingOrganization.resolve().name", ["Plan"]),
        ("generalPractitioner.resolve()", []),
        ("contained.children().count()", [2]),
        ("descendants().where($this = 'a@x.example').count()", [1]),
        ("name.aggregate($total + given.count(), 0)", [3]),
        ("name.trace('names').count()", [3]),
        ("name // a remark\n.count() /* another */", [3]),
    ],
)
def test_a_patient_gives(text: str, expected: list[Any]) -> None:
    assert given(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("value.value", [Decimal("5.40")]),
        ("value.value.toString()", ["5.40"]),
        ("value > 5 'mg'", [True]),
        ("value > 5 'kg'", []),
        ("value is Quantity", [True]),
        ("value.ofType(Quantity).unit", ["mg"]),
        ("value as string", []),
        ("component.value.ofType(integer)", [3]),
        ("component.value.ofType(string)", ["three"]),
        ("component.where(value is integer).count()", [1]),
        ("effective.start < effective.end", []),
        ("code.coding.where(system = 'http://loinc.org').code", ["1"]),
        ("code.coding.code = '1'", [False]),
        ("code.coding.code contains '1'", [True]),
        ("code.coding.exists(system = 'urn:own' and code in ('a' | 'b'))", [True]),
    ],
)
def test_an_observation_gives(text: str, expected: list[Any]) -> None:
    assert given(text, OBSERVATION) == expected


def test_an_invariant_that_gives_nothing_does_not_hold() -> None:
    assert compile_expression("nothing").holds(PATIENT) is False
    assert compile_expression("name").holds(PATIENT) is True


def test_evaluating_changes_nothing_of_the_resource() -> None:
    before = copy.deepcopy(PATIENT)
    for text in ("name.given.combine(name.family)", "name.given | 'x'", "descendants().count()", "name.given.tail()"):
        given(text)
    assert before == PATIENT


def test_every_shipped_invariant_compiles_but_for_those_that_are_not_fhirpath() -> None:
    refused, seen = set(), 0
    for guide in shipped_guides():
        for constraint in guide.constraints.values():
            seen += 1
            assert constraint.expression is not None
            try:
                compile_invariant(constraint.expression)
            except NotFHIRPath:
                refused.add((guide.name.short, constraint.key))
    assert seen > 500
    assert refused == {
        ("hrex@0.2.0", "provenance-1"),
        ("pdex@1.0.0", "provenance-1"),
        ("us-core@3.1.0", "provenance-1"),
    }


def test_precedence_is_that_of_the_specification() -> None:
    assert parse("a.b or c and d = e | f + g * -h") == parse("(a.b) or (c and (d = (e | (f + (g * (-h))))))")
    assert parse("a is B and c") == parse("(a is B) and c")
    assert parse("a = b in c") == parse("(a = b) in c")
