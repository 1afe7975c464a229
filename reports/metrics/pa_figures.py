"""Prior authorization metrics (42 CFR 438.210(f), 422.122(c), 440.230(e)(3), 457.732(c), 45 CFR 156.223(c)).

The initial determination decides approved and denied; a later overturn appears only in the appeal metric. Durations are of
instants, means of unrounded durations, and every figure is rounded once. Drugs are excluded everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from reports.metrics import BadInput
from reports.metrics.pa_requests import DETERMINED, OPEN, Request, Setup
from reports.metrics.rounding import UNDECIDED, mean, median, percent, two_places

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True)
class Rules:
    """What the texts leave open, decided and stated on the page."""

    year: int
    basis: str = "received"  # received | decided: by which time a request belongs to the year
    partials: str = "mcpar"  # mcpar: a partial approval counts as denied; template: as approved
    appeal_cut_off: date | None = (
        None  # appeals decided later are not credited; the last day of February when none is given
    )
    appeals_over: str = "requests"  # requests | appeals: the denominator of "approved after appeal"
    strict: bool = False  # keep withdrawn, duplicate and pending requests in the denominator, as MCPAR's words have it

    def __post_init__(self) -> None:
        for value, allowed in (
            (self.basis, ("received", "decided")),
            (self.partials, ("mcpar", "template")),
            (self.appeals_over, ("requests", "appeals")),
        ):
            if value not in allowed:
                raise BadInput(f"{value!r}; one of {', '.join(allowed)}")
        if self.strict and self.basis == "decided":
            raise BadInput("strict keeps requests without a determination, and those have no year by the decided basis")

    @property
    def cut_off(self) -> date:
        """The last day an appeal may be decided to count."""
        return self.appeal_cut_off or date(self.year + 1, 3, 1) - DAY


@dataclass(frozen=True)
class ClassFigures:
    """Figures of the standard or the expedited requests of a unit; unrounded."""

    determined: int
    denominator: int  # the same, and in strict mode also requests without a determination
    approved: int
    denied: int
    partial: int
    overturned: int
    appeals_decided: int
    approved_after_appeal: Fraction | None
    mean: Fraction | None
    median: Fraction | None
    extended_then_approved: int
    extended_then_denied: int
    hours_unknown: int = (
        0  # expedited requests whose times are told by the day alone: no mean or median of hours is possible
    )

    @property
    def shown_mean(self) -> str:
        """Metric 8 or 9 as it is shown."""
        return UNDECIDED if self.hours_unknown else two_places(self.mean)

    @property
    def shown_median(self) -> str:
        """The median of metric 8 or 9 as it is shown."""
        return UNDECIDED if self.hours_unknown else two_places(self.median)

    @property
    def approved_percent(self) -> Fraction | None:
        """Metrics 2 and 6."""
        return percent(self.approved, self.denominator)

    @property
    def denied_percent(self) -> Fraction | None:
        """Metrics 3 and 7."""
        return percent(self.denied, self.denominator)


@dataclass(frozen=True)
class UnitFigures:
    """All figures of one reporting unit, and what is not in them."""

    id: str
    standard: ClassFigures
    expedited: ClassFigures
    extended_and_approved: int
    reconciliation: dict[str, int]  # requests of the year that no percentage counts, by why

    @property
    def extended_and_approved_percent(self) -> Fraction | None:
        """Metric 5, over standard plus expedited requests."""
        return percent(self.extended_and_approved, self.standard.denominator + self.expedited.denominator)


def figures(requests: Iterable[Request], rules: Rules, setup: Setup) -> tuple[UnitFigures, ...]:
    """The figures of every reporting unit, in the order of their ids."""
    of_year: dict[str, list[Request]] = {}
    drugs: Counter[str] = Counter()
    for request in requests:
        of_year.setdefault(request.unit, [])  # a unit without requests in the year still reports, "not applicable"
        if not _in_year(request, rules, setup):
            continue
        if request.drug:
            drugs[request.unit] += 1
        else:
            of_year[request.unit].append(request)
    return tuple(_unit(id, members, drugs[id], rules, setup) for id, members in sorted(of_year.items()))


def _in_year(request: Request, rules: Rules, setup: Setup) -> bool:
    at = request.received if rules.basis == "received" else request.determined
    return at is not None and at.astimezone(setup.where).year == rules.year


def _unit(id: str, requests: list[Request], drugs: int, rules: Rules, setup: Setup) -> UnitFigures:
    standard = [request for request in requests if not request.expedited]
    expedited = [request for request in requests if request.expedited]
    counted = ("approved", "partial") if rules.partials == "template" else ("approved",)
    late = [
        request
        for request in requests
        if request.appeal_outcome == "overturned" and not _credited(request, rules, setup)
    ]
    reconciliation = {
        **{outcome: sum(request.outcome == outcome for request in requests) for outcome in OPEN},
        "drug": drugs,
        "overturned after the cut-off": len(late),
        "appeal still open": sum(request.appeal_outcome == "pending" for request in requests),
    }
    return UnitFigures(
        id=id,
        # The expedited rows of the form do not repeat "fully or partially", so there a partial approval is neither.
        standard=_class(standard, rules, setup, DAY, rules.partials),
        expedited=_class(expedited, rules, setup, HOUR, "plain"),
        extended_and_approved=sum(request.extended and request.outcome in counted for request in requests),
        reconciliation={name: count for name, count in reconciliation.items() if count},
    )


def _class(requests: list[Request], rules: Rules, setup: Setup, unit: timedelta, partials: str) -> ClassFigures:
    determined = [request for request in requests if request.outcome in DETERMINED]
    outcomes = Counter(request.outcome for request in determined)
    appeals = [request for request in determined if _credited(request, rules, setup)]
    overturned = sum(request.appeal_outcome == "overturned" for request in appeals)
    denominator = len(requests) if rules.strict else len(determined)
    times = [
        Fraction(request.elapsed // timedelta(microseconds=1), unit // timedelta(microseconds=1))
        for request in determined
    ]
    return ClassFigures(
        determined=len(determined),
        denominator=denominator,
        approved=outcomes["approved"] + (outcomes["partial"] if partials == "template" else 0),
        denied=outcomes["denied"] + (outcomes["partial"] if partials == "mcpar" else 0),
        partial=outcomes["partial"],
        overturned=overturned,
        appeals_decided=len(appeals),
        approved_after_appeal=percent(overturned, len(appeals) if rules.appeals_over == "appeals" else denominator),
        mean=mean(times),
        median=median(times),
        extended_then_approved=sum(request.extended and request.outcome == "approved" for request in determined),
        extended_then_denied=sum(request.extended and request.outcome == "denied" for request in determined),
        hours_unknown=sum(request.days is not None for request in determined) if unit is HOUR else 0,
    )


def _credited(request: Request, rules: Rules, setup: Setup) -> bool:
    """Whether an appeal was decided by the cut-off; its request's year is the only year it can count for."""
    if request.appeal_outcome not in ("overturned", "upheld") or request.appeal_decided is None:
        return False
    return request.appeal_decided.astimezone(setup.where).date() <= rules.cut_off


@dataclass(frozen=True)
class Late:
    """A request decided, or still open, after its limit."""

    request: Request
    limit: datetime
    by: timedelta


def late(requests: Iterable[Request], rules: Rules, setup: Setup, now: datetime) -> tuple[Late, ...]:
    """Requests of the year past their decision limit (438.210(d), 422.568, 422.572, 440.230(e)(1)), latest first.

    The limits do not bind QHP issuers on the FFE; drugs have limits of their own; withdrawn requests need no decision.
    """
    found = []
    for request in requests:
        if (
            request.drug
            or request.outcome in ("withdrawn", "duplicate")
            or request.received.astimezone(setup.where).year != rules.year
        ):
            continue
        end = limit(request, setup)
        done = request.determined or now
        if end is not None and done > end:
            found.append(Late(request, end, done - end))
    return tuple(sorted(found, key=lambda one: (-one.by, one.request.id)))


def limit(request: Request, setup: Setup) -> datetime | None:
    """The instant by which a request must be decided; none for QHP issuers."""
    if setup.payer_type == "qhp":
        return None
    received = request.received.astimezone(setup.where)
    more = 14 if request.extended else 0
    if request.expedited:
        end = request.received + min(72, setup.expedited_hours or 72) * HOUR
        return (
            end
            if not more
            else max(end, request.received + 14 * DAY)
            if setup.extension_reading == "total"
            else end + 14 * DAY
        )
    days = 7 if received.date() >= seven_days_from(setup) else 14
    days = min(days, setup.standard_days or days)
    days = max(days, 14) if more and setup.extension_reading == "total" else days + more
    if setup.standard_limit == "exact":
        return request.received + days * DAY
    # The text counts days, so the last day is whole: until the next local midnight.
    last = received.date() + timedelta(days=days + 1)
    return datetime(last.year, last.month, last.day, tzinfo=setup.where).astimezone(UTC)


def seven_days_from(setup: Setup) -> date:
    """The first day of the 7-day limit: 2026-01-01, for managed care the first rating period that starts on or after it."""
    start = date(2026, 1, 1)
    if setup.payer_type in ("medicaid-managed-care", "chip-managed-care") and setup.rating_period_start is not None:
        period = setup.rating_period_start
        return date(2026, period.month, min(period.day, 28) if period.month == 2 else period.day)
    return start
