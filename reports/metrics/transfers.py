"""Transfers: delivery events grouped into acts of moving data, by mode, as Ibis expressions.

    sync      consecutive deliveries for one (member, app) with gaps under the idle limit
    app-day   any deliveries for one (member, app) on one local date
    request   each response

Events are first folded into slots no longer than the idle limit (or a local day): two deliveries in one slot are closer than the
limit, so a slot never hides a gap, and hundreds of millions of rows become few before anything is sorted.
"""

from __future__ import annotations

from typing import Any

from reports.metrics import zone
from reports.metrics.events import Year

MODES = ("sync", "app-day", "request")


def local_day(at: Any, year: Year) -> Any:
    """The number of the local day an instant falls on."""
    low, high = year.bounds
    return zone.local(at, zone.zone(year.zone_name), low, high) // zone.DAY


def replayed_once(events: Any) -> Any:
    """Each row of the log once, however often a replay wrote it; only `request` mode would count it twice."""
    return events.select(
        "row",
        "at",
        "member",
        "app",
        "app_kind",
        "channel",
        "unit",
        "status",
        "resources",
        "interaction",
        "why",
        "counts",
        "once",
    ).distinct()


def slots(events: Any, mode: str, idle: int, year: Year, by_month: bool = False) -> Any:
    """Counted deliveries folded by unit, member, app and slot."""
    import ibis

    counted = events.filter(events.counts)
    slot = local_day(counted.at, year) if mode == "app-day" else counted.at // idle
    month = ibis.literal(0, "int64")
    if by_month:
        for start in zone.month_starts(year.year, zone.zone(year.zone_name)):
            month = month + ibis.ifelse(counted.at >= start, 1, 0)
    keyed = counted.select("unit", "member", "app", "at", "once", slot=slot.cast("int64"), month=month.cast("int64"))
    return keyed.group_by("unit", "member", "app", "slot", "month").aggregate(
        first=keyed.at.min(), last=keyed.at.max(), deliveries=keyed.count(), once=keyed.once.sum()
    )


def reasons(events: Any) -> Any:
    """How many rows do not count, by why."""
    import ibis

    return events.filter(~events.counts).group_by("why").aggregate(rows=ibis._.count())


def resolved(counted: Any, identities: Any | None) -> Any:
    """Counted slots or deliveries with the person beside the member id."""
    if identities is None:
        return counted.mutate(person=counted.member)
    joined = counted.left_join(identities, counted.member == identities.identity_member)
    return joined.mutate(person=joined.identity_person.fill_null(joined.member))


def transfers(counted: Any, keys: tuple[str, ...], mode: str, idle: int, apart: bool = False) -> Any:
    """How many transfers each (…keys, person, app) has; one row each. `apart`: no two rows share these and a slot."""
    import ibis

    group = [*keys, "person", "app"]
    if mode == "request":
        # Over all units a delivery is one, in however many of them its member is.
        count = counted.deliveries if "unit" in keys else counted.once
        return counted.group_by(group).aggregate(n=count.sum())
    if not apart:
        # Member ids of one person may share a slot, and so may two reporting units when the key leaves them out.
        counted = counted.group_by([*group, "slot"]).aggregate(first=counted["first"].min(), last=counted["last"].max())
    if mode == "app-day":
        return counted.group_by(group).aggregate(n=counted.count())
    # Most members have one sync with an app, or many within one stretch; only the others' slots are put in order.
    whole = counted.group_by(group).aggregate(
        first=counted["first"].min(), last=counted["last"].max(), slots=counted.count()
    )
    short = (whole.slots == 1) | (whole["last"] - whole["first"] < idle)
    single = whole.filter(short).mutate(n=ibis.literal(1, "int64")).select(*group, "n")
    parted = counted.semi_join(whole.filter(~short), group)
    window = ibis.window(group_by=group, order_by="first")
    gapped = parted.mutate(before=parted["last"].lag().over(window))
    begins = gapped.before.isnull() | (gapped["first"] - gapped.before >= idle)
    ordered = (
        gapped.mutate(begins=ibis.ifelse(begins, 1, 0)).group_by(group).aggregate(n=ibis._.begins.sum().cast("int64"))
    )
    return single.union(ordered)


def members(counted: Any, keys: tuple[str, ...], mode: str, idle: int, same_app_only: bool, apart: bool = False) -> Any:
    """U1 and U2 by the keys: members with a transfer, and with more than one."""
    import ibis

    each = transfers(counted, keys, mode, idle, apart)
    of_person = each.group_by([*keys, "person"]).aggregate(any_app=each.n.sum(), one_app=each.n.max())
    repeated = (of_person.one_app if same_app_only else of_person.any_app) >= 2
    flagged = of_person.mutate(repeat=ibis.ifelse(repeated, 1, 0))
    figures = {"members": flagged.count(), "members_repeat": flagged["repeat"].sum()}
    return flagged.group_by(list(keys)).aggregate(**figures) if keys else flagged.aggregate(**figures)
