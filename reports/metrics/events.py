"""Rows of an access log as delivery events: what counts, what does not and why, and what cannot be decided.

A delivery is an HTTP 2xx response carrying at least one patient-data resource, over the Patient Access API, on a token issued to
an app the member designated, whose time falls into the local calendar year. Written once as Ibis expressions for every back end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reports.metrics import BadInput, memberships, zone
from reports.metrics.mapping import Mapping

_FEW = 8
SLACK = 5 * 60 * 1000  # clocks of gateways differ by a little; more than this ahead of now is no time of a delivery
PROBLEMS = {
    "status-unreadable": "the status is not a number",
    "resources-unreadable": "how many resources a success carried is not a number",
    "kind-unknown": "an app_kind the mapping does not name (third_party_kinds, test_kinds, own_kinds, backend_kinds)",
    "channel-unknown": "a channel the mapping does not name (patient_channels, other_channels)",
    "time-unreadable": "the time of a delivery cannot be read",
    "time-without-offset": "the time of a delivery has no offset, and the mapping names no log_time_zone",
    "time-ambiguous": "the local time of a delivery happened twice or never (daylight saving)",
    "time-in-the-future": "a delivery lies in the future; a clock is wrong",
    "member-missing": "a delivery names no member",
    "app-missing": "a delivery names no app",
    "unit-missing": "the member of a delivery belongs to no reporting unit then",
}
# Types without a member: a payer's directory, its formulary, and what a server says of itself.
DIRECTORY = (
    "CapabilityStatement", "Endpoint", "HealthcareService", "InsurancePlan", "Location", "MedicationKnowledge", "OperationDefinition",
    "Organization", "OrganizationAffiliation", "Practitioner", "PractitionerRole", "SearchParameter", "StructureDefinition", "ValueSet",
)  # fmt: skip
EXCLUSIONS = {
    "not-a-success": "status other than 2xx, 304 included: nothing was delivered",
    "no-patient-data": "no patient-data resource in the response (an empty searchset, an OperationOutcome)",
    "never-counts": "metadata, discovery, token, userinfo, directory and other calls that carry no member's data",
    "other-channel": "Provider Access, Payer-to-Payer, a backend service, or another channel the member did not designate",
    "test-app": "a test client",
    "synthetic-member": "a synthetic member",
    "own-app": "the payer's own branded app",
    "other-year": "outside the calendar year in the payer's zone",
}


@dataclass(frozen=True)
class Year:
    """The calendar year in the payer's zone, and until when a time can be true."""

    year: int
    zone_name: str
    now: datetime
    told: bool = False  # whether someone said when the log was drawn; otherwise `now` is this machine's clock

    @property
    def latest(self) -> datetime:
        """Until when a time is believed: `now`, and for a year that is not over by then the day its figures are due."""
        due = datetime(self.year + 1, 4, 1, tzinfo=zone.zone(self.zone_name))
        return max(self.now, due) if self.now.astimezone(due.tzinfo).year <= self.year and not self.told else self.now

    @property
    def bounds(self) -> tuple[int, int]:
        """First instant of the year and of the next."""
        return zone.year_bounds(self.year, zone.zone(self.zone_name))


def events(table: Any, mapping: Mapping, year: Year, count_own_app: bool = False, *, numbered: bool = True) -> Any:
    """Every row with its role columns typed, whether it `counts`, and if not `why`: a key of PROBLEMS or EXCLUSIONS.

    `numbered`: rows of a log without ids are numbered, which keeps DuckDB to one core.
    """
    import ibis

    typed = _typed(table, mapping, year, numbered)
    start, end = year.bounds
    success = (typed.status >= 200) & (typed.status < 300)
    kind, channel, interaction = typed.app_kind, typed.channel, typed.interaction
    never = _within(interaction, (*mapping.never_interactions, *_of_nobody()))
    if "path" in mapping.columns:
        for part in mapping.never_paths:
            never = never | typed.path.fill_null("").contains(part)
        never = never | typed.path.fill_null("").re_search(f"/({'|'.join(DIRECTORY)})([/?]|$)")
    cases = [
        (typed.status.isnull(), "status-unreadable"),
        (~success, "not-a-success"),
        (never, "never-counts"),
        (typed.resources < 1, "no-patient-data"),
        (_within(channel, mapping.other_channels) | _within(kind, mapping.backend_kinds), "other-channel"),
        (_within(typed.app, mapping.test_apps) | _within(kind, mapping.test_kinds), "test-app"),
        (_within(typed.member, mapping.synthetic_members), "synthetic-member"),
    ]
    if not count_own_app:
        cases.append((_within(typed.app, mapping.own_apps) | _within(kind, mapping.own_kinds), "own-app"))
    kinds = (*mapping.third_party_kinds, *mapping.own_kinds)
    cases += [
        (typed.resources.isnull(), "resources-unreadable"),
        (~_within(channel, mapping.patient_channels), "channel-unknown"),
        (~_within(kind, kinds) & ~_within(typed.app, mapping.own_apps), "kind-unknown"),
        (typed.naive, "time-without-offset"),
        (typed.doubtful, "time-ambiguous"),
        (typed.at.isnull(), "time-unreadable"),
        (typed.at > zone.instant(year.latest) + SLACK, "time-in-the-future"),
        ((typed.at < start) | (typed.at >= end), "other-year"),
        (typed.member.isnull() | (typed.member == ""), "member-missing"),
        (typed.app.isnull() | (typed.app == ""), "app-missing"),
    ]
    # `counts` says the same as a missing `why`, as conditions a query may filter by before it looks at anything else.
    counts = ibis.literal(True)
    for met, _ in cases:
        counts = counts & ~met.fill_null(False)
    judged = typed.mutate(
        why=ibis.cases(*cases, else_=ibis.null("string")), counts=counts, once=ibis.literal(1, "int64")
    )
    if mapping.units:
        judged = _in_units(judged, mapping, year)
    no_unit = judged.unit.isnull() | (judged.unit == "")
    return judged.mutate(
        why=ibis.ifelse(judged.why.isnull() & no_unit, "unit-missing", judged.why), counts=judged.counts & ~no_unit
    )


def _of_nobody() -> tuple[str, ...]:
    """Interactions such as "read Organization", on types that are in no member's record."""
    return tuple(f"{verb} {kind}" for verb in ("read", "vread", "search", "search-type") for kind in DIRECTORY)


def _within(column: Any, values: tuple[str, ...]) -> Any:
    import ibis

    if not values:
        return ibis.literal(False)
    if len(values) > _FEW and column.get_backend().name == "duckdb":
        # There a long IN is a join, which costs more than the rest of the query; a list is looked at once a distinct text.
        return ibis.array(list(values)).contains(column).fill_null(False)
    return column.isin(list(values)).fill_null(False)


def _typed(table: Any, mapping: Mapping, year: Year, numbered: bool) -> Any:
    """Role columns under our names and types; what cannot be read is null."""
    import ibis

    def column(role: str, kind: str, default: Any = None) -> Any:
        if role in mapping.constants:
            return ibis.literal(mapping.constants[role]).cast(kind)
        if role not in mapping.columns:
            return ibis.literal(default).cast(kind) if default is not None else ibis.null(kind)
        raw = table[mapping.columns[role]]
        if str(raw.type()) != kind:
            # Text of a file may hold anything; a database that holds numbers as text must hold numbers.
            raw = raw.try_cast(kind) if raw.type().is_string() and _forgiving(table) else raw.cast(kind)
        return raw if default is None else raw.fill_null(default)

    at, naive, doubtful = _instant(table, mapping, year)
    row = column("row", "string")
    if numbered and "row" not in mapping.columns:
        row = (ibis.row_number() + 1).cast("string")
    return table.select(
        row=row,
        at=at,
        naive=naive,
        doubtful=doubtful,
        member=column("member", "string"),
        app=column("app", "string"),
        app_kind=column("app_kind", "string", "third-party"),
        channel=column("channel", "string", "patient-access"),
        unit=column("unit", "string"),
        status=column("status", "int64"),
        resources=column("resources", "int64"),
        interaction=column("interaction", "string", ""),
        path=column("path", "string", ""),
    )


def _forgiving(table: Any) -> bool:
    backend = table.get_backend()
    return backend.name in ("duckdb", "pyspark")


def _instant(table: Any, mapping: Mapping, year: Year) -> tuple[Any, Any, Any]:
    """The time of a row in milliseconds, whether it lacked an offset we needed, and whether it names no single instant."""
    import ibis

    if "at" in mapping.constants:
        raise BadInput("a log without times has no year; [constants] cannot say `at`")
    raw = table[mapping.columns["at"]]
    kind = raw.type()
    no = ibis.literal(False)
    if kind.is_string():
        stamped = raw.re_search(r":[0-9.]+ ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$").fill_null(False)
        if _forgiving(table):
            # What ISO 8601 and RFC 3339 allow and a cast does not take: no seconds, small letters.
            full = raw.strip().upper().re_replace(r"([T ][0-9]{2}:[0-9]{2})([^:0-9]|$)", r"\1:00\2")
            parsed = ibis.coalesce(raw.try_cast("timestamp('UTC')"), full.try_cast("timestamp('UTC')"))
        else:
            parsed = raw.cast("timestamp('UTC')")
        at = _milliseconds(parsed)
    elif kind.is_timestamp() and kind.timezone is not None:
        return _milliseconds(raw), no, no
    elif kind.is_timestamp():
        stamped, at = no, _milliseconds(raw)
    else:
        raise BadInput(f"column {mapping.columns['at']!r} is {kind}, not a time")
    if not mapping.log_time_zone:
        return at, ~stamped & at.notnull(), no
    # Read as if written at UTC, a time without offset is the local clock's reading.
    low, high = year.bounds
    told, doubtful = zone.from_local(at, zone.zone(mapping.log_time_zone), low - 2 * zone.DAY, high + 2 * zone.DAY)
    return ibis.ifelse(stamped, at, told), no, ~stamped & doubtful


def _milliseconds(moment: Any) -> Any:
    """A timestamp, in UTC where it has a zone, as milliseconds."""
    if moment.get_backend().name == "duckdb":
        # DuckDB's own function: turning instants into timestamps first took a quarter of the whole query.
        return _epoch_ms(moment.type())(moment)
    moment = moment.cast("timestamp")
    # Cut to the second first: some back ends round the seconds of an epoch.
    return moment.truncate("s").epoch_seconds().cast("int64") * 1000 + moment.millisecond().cast("int64")


def _epoch_ms(kind: Any) -> Any:
    """DuckDB's `epoch_ms` for a type of timestamp."""
    import ibis

    def epoch_ms(moment: Any) -> Any:
        """Milliseconds since 1970."""

    return ibis.udf.scalar.builtin(epoch_ms, signature=((kind,), "int64"))


def _in_units(judged: Any, mapping: Mapping, year: Year) -> Any:
    """Reporting units from a file of memberships: a member in two units at once counts in each; `once` marks the first of them."""
    import ibis

    rows = memberships.stretches(mapping, year.zone_name)
    periods = ibis.memtable(rows or [dict.fromkeys(memberships.SCHEMA, None)], schema=ibis.schema(memberships.SCHEMA))
    joined = judged.left_join(
        periods,
        [judged.member == periods.unit_member, judged.at >= periods.unit_from, judged.at < periods.unit_until],
    )
    named = joined.mutate(unit=joined.unit_name, once=joined.unit_once.fill_null(1))
    return named.drop(*memberships.SCHEMA)


def now() -> datetime:
    """The present, for callers that state no other."""
    return datetime.now(UTC)
