"""Brute-force reference of the retention marts, written from the text of the public contract alone.

`marts(Company(raw, settings))` recounts every number of every period from the customers' stretches and orders;
reference_churn.py does so with the marts about why and by which definition customers leave. They share no
ledger, running sum or calendar with the SQL; they are slow on purpose and meant for small inputs.
Every place where the contract leaves room is marked with a comment that starts with `# Reading:`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Raw = dict[str, list[dict[str, str]]]  # the raw tables; '' is null
Settings = dict[str, Any]
Marts = dict[str, list[Row]]
Number = Fraction | int

DEFAULTS = {
    "as_of_date": None,
    "reporting_currency": "USD",
    "reporting_timezone": "UTC",
    "fiscal_year_start_month": 1,
    "segments": ["country", "acquisition_channel"],
    "countable_order_statuses": ["completed"],
    "gross_margin": 1,
    "period_grains": ["day", "week", "month", "quarter", "year"],
    "new_customer_days": 90,
    "low_sample_customers": 30,
    "company_stage": "established",
    "ended_at_is_inclusive": False,
}
BENCHMARKS = {
    ("established", "month"): (0.01, 0.03),
    ("established", "year"): (0.05, 0.07),
    ("young", "month"): (0.03, 0.05),
    ("young", "year"): (0.10, 0.15),
}
# Grains of whole months, and the letter of their labels.
WHOLE_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
LETTERS = {"quarter": "Q", "half_year": "H"}
MONTHS_IN_GRAIN: dict[str, Number] = {"day": Fraction(12, 365), "week": Fraction(12, 52), **WHOLE_MONTHS}
MONTHS_PER_INTERVAL: dict[str, Number] = {"day": Fraction(12, 365), "week": Fraction(12, 52), "month": 1, "year": 12}
OF_PLANS = ("plan", "product", "billing_interval")
DAY = timedelta(days=1)
ZERO = Fraction(0)


class Stretch(NamedTuple):
    """A paid stretch of positive length; `end` is None while it runs."""

    start: datetime
    end: datetime | None
    mrr: Fraction
    plan: str
    currency: str
    currency_mrr: Fraction


class Order(NamedTuple):
    """A countable order or correction; `customer` is None for a guest."""

    at: datetime
    id: str
    customer: str | None
    day: date
    revenue: Fraction
    is_correction: bool


Counts = Counter[str | None]
Amounts = dict[str | None, Fraction]
Movement = tuple[str | None, Fraction, Fraction]  # type, opening, closing


@dataclass(eq=False)
class Slice:
    """The customers and orders of one segment value, and the dates of its first paid start and first order."""

    segment: str
    value: str
    customers: list[str]
    booked: list[Order]  # orders and corrections
    orders: list[Order]  # without corrections
    paid_from: date | None
    ordered_from: date | None
    plans: set[str] | None = None  # of a segment by plan, whose customers differ from period to period


FirstDate = Callable[[Slice], date | None]  # dates the first row of a slice


# --- numbers ---------------------------------------------------------------------------------------------------------


def rounded(x: Number, decimals: int = 6) -> Fraction:
    """Round a fraction once, half away from zero."""
    n = int(abs(x) * 10**decimals + Fraction(1, 2))
    return Fraction(n if x >= 0 else -n, 10**decimals)


def money(x: Number | None, decimals: int = 6) -> Decimal | None:
    """A Decimal with so many decimals; None stays None."""
    return None if x is None else Decimal(int(rounded(x, decimals) * 10**decimals)).scaleb(-decimals)


def sum_of_amounts(x: Number | None) -> Decimal | None:
    """Revenue is not rounded any more: amounts have up to ten decimals."""
    return money(x, 10)


def ratio(a: Number | None, b: Number | None) -> Fraction | None:
    """An exact ratio; None if a part is None or the denominator is zero."""
    return None if a is None or b is None or b == 0 else Fraction(a) / b


def rate(a: Number | None, b: Number | None = 1) -> float | None:
    """The ratio as a float."""
    exact = ratio(a, b)
    return None if exact is None else float(exact)


def times(*factors: Number | None) -> Fraction | None:
    """An exact product; None if a factor is None."""
    result = Fraction(1)
    for factor in factors:
        if factor is None:
            return None
        result *= factor
    return result


def plain(text: str | None) -> str:
    """A text as statuses and reasons are compared: without case and outer blanks."""
    return (text or "").strip(" ").lower()


def known(value: str | None) -> str:
    """The value in a segment: `unknown` where it is null or blank."""
    # Reading: a value of blanks alone is blank; blanks around others are part of them.
    return "unknown" if value is None or not value.strip(" ") else value


# --- calendar --------------------------------------------------------------------------------------------------------


def period_start(grain: str, day: date, fiscal_month: int = 1) -> date:
    """The first date of the period that holds `day`."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    first = day.year * 12 + day.month - 1
    return _month(first - (first - (fiscal_month - 1)) % WHOLE_MONTHS[grain])


def period_end(grain: str, start: date) -> date:
    """The first date after the period that starts at `start`."""
    if grain in ("day", "week"):
        return start + (DAY if grain == "day" else 7 * DAY)
    return _month(start.year * 12 + start.month - 1 + WHOLE_MONTHS[grain])


def _month(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def period_label(grain: str, start: date, fiscal_month: int = 1) -> str:
    """The name of a period, ISO year for weeks, fiscal year for quarters, half-years and years."""
    if grain == "day":
        return start.isoformat()
    if grain == "week":
        iso_year, week, _ = start.isocalendar()
        return f"{iso_year:04}-W{week:02}"
    if grain == "month":
        return f"{start.year:04}-{start.month:02}"
    fiscal_year = period_start("year", start, fiscal_month)
    if grain == "year":
        return f"{fiscal_year.year:04}"
    # Reading: fiscal quarters and halves are numbered inside their fiscal year and carry its name (start month 4:
    # January to March 2025 is 2024-Q4, and of 2024-H2).
    months = (start.year - fiscal_year.year) * 12 + start.month - fiscal_year.month
    return f"{fiscal_year.year:04}-{LETTERS[grain]}{months // WHOLE_MONTHS[grain] + 1}"


# --- the company -----------------------------------------------------------------------------------------------------


class Company:
    """The raw tables as the contract sees them: parsed, cut at as_of_date, void stretches gone."""

    def __init__(self, raw: Raw, settings: Settings) -> None:
        # Only whole recounts are remembered, never a part of one for the next.
        for name in ("midnight", "movements", "mrr_measures", "order_measures", "plan_of"):
            setattr(self, name, cache(getattr(self, name)))
        self.settings = {**DEFAULTS, **settings}
        self.zone = ZoneInfo(self.settings["reporting_timezone"])
        self.fiscal_month = int(self.settings["fiscal_year_start_month"])
        self.gross_margin = Fraction(str(self.settings["gross_margin"]))
        clean: Marts = {
            name: [{k: None if v == "" else v for k, v in row.items()} for row in raw.get(name) or []]
            for name in ("customers", "plans", "subscriptions", "orders", "exchange_rates")
        }
        self.as_of = self._as_of_date(clean)
        cut = self.midnight(self.as_of)
        self.customers = {row["customer_id"]: row for row in clean["customers"]}

        self.has_rates = bool(clean["exchange_rates"])
        # Reading: rates are read with 15 decimals.
        self.rates = sorted(
            (row["currency"].upper(), date.fromisoformat(row["date"]), rounded(Fraction(row["rate"]), 15))
            for row in clean["exchange_rates"]
        )
        self.plans = plans = {row["plan_id"]: row for row in clean["plans"]}
        # Reading: trials and free stretches are starts, too; those of no length are none.
        self.first_start: dict[str, datetime] = {}
        for row in clean["subscriptions"]:
            start, end = self.instant(row["started_at"]), self.end(row["ended_at"])
            if end is None or end > start:
                self.first_start[row["subscription_id"]] = min(
                    start, self.first_start.get(row["subscription_id"], start)
                )
        self.stretches: dict[str, list[Stretch]] = defaultdict(list)
        # (start, end) of everything that is not paused, free and trials included.
        self.subscribed: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        for row in clean["subscriptions"]:
            start = self.instant(row["started_at"])
            end = self.end(row["ended_at"])
            # Reading: paid is MRR > 0 after the one rounding, so a price that rounds to 0.000000 a month pays nothing.
            if start >= cut or (end is not None and end <= start):
                continue
            # Reading: "at or after": an end exactly at the first instant of as_of_date is not known yet, so it is open.
            end = None if end and end >= cut else end
            if row["status"] != "paused":
                self.subscribed[row["customer_id"]].append((start, end))
            plan = plans[row["plan_id"]]
            mrr = self.mrr_of(row, plan)
            if mrr > 0:
                self.stretches[row["customer_id"]].append(
                    Stretch(start, end, mrr, row["plan_id"], plan["currency"].upper(), rounded(self.monthly(row, plan)))
                )

        self.first_paid = {customer: min(s.start for s in theirs) for customer, theirs in self.stretches.items()}

        countable = {plain(status) for status in self.settings["countable_order_statuses"]}
        self.booked: list[Order] = []
        for row in clean["orders"]:
            at = self.instant(row["ordered_at"])
            if plain(row["status"]) in countable and at < cut:
                amount = Fraction(row["amount"])
                # Reading: revenue is rounded to ten decimals, as many as amounts have.
                rate = self.rate_on(row["currency"].upper(), self.day(at))
                revenue = rounded((amount - Fraction(row["refunded_amount"])) * rate, 10)
                self.booked.append(Order(at, row["order_id"], row["customer_id"], self.day(at), revenue, amount < 0))
        self.booked.sort(key=lambda order: (order.at, order.id))
        self.booked_of: dict[str | None, list[Order]] = defaultdict(list)
        self.orders_of: dict[str | None, list[Order]] = defaultdict(list)  # without corrections
        for order in self.booked:
            self.booked_of[order.customer].append(order)
            if not order.is_correction:
                self.orders_of[order.customer].append(order)

    # time

    def midnight(self, day: date) -> datetime:
        """The first instant of a business date, as naive UTC."""
        # Reading: where the clock skips midnight it is the first instant of that date, where midnight comes twice the
        # first of the two (what fold=0 gives).
        return datetime.combine(day, time(), self.zone).astimezone(UTC).replace(tzinfo=None)

    def instant(self, text: str) -> datetime:
        """Text of a raw table as naive UTC: a bare date is local midnight, everything else is UTC."""
        if len(text) == 10:
            return self.midnight(date.fromisoformat(text))
        for suffix in ("Z", " UTC", "+00:00", "+00"):
            text = text.removesuffix(suffix)
        return datetime.fromisoformat(text)

    def end(self, text: str | None) -> datetime | None:
        """The first instant after a stretch."""
        if text is None or not self.settings["ended_at_is_inclusive"]:
            return None if text is None else self.instant(text)
        at = self.instant(text)
        # Reading: to the second, so that 23:59:59.999 is the end of its day, too.
        clock = at.replace(tzinfo=UTC).astimezone(self.zone).time().replace(microsecond=0)
        is_whole_day = len(text) == 10 or clock in (time(), time(23, 59, 59))
        # The last day of all has none after it.
        return self.midnight(self.day(at) + DAY) if is_whole_day and self.day(at) < date.max else at

    def day(self, instant: datetime) -> date:
        """The business date of an instant."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).date()

    def _as_of_date(self, clean: Marts) -> date:
        if self.settings["as_of_date"]:
            return date.fromisoformat(str(self.settings["as_of_date"]))
        columns = {"customers": "created_at", "subscriptions": "started_at", "orders": "ordered_at"}
        found = [self.instant(row[column]) for table, column in columns.items() for row in clean[table]]
        return self.day(max(found)) + DAY if found else date(1970, 1, 1)  # of nothing, nothing is known

    # money

    def rate_on(self, currency: str, day: date) -> Fraction:
        """What one unit of a currency is worth on a day, in the reporting currency."""
        if currency == self.settings["reporting_currency"].upper():
            return Fraction(1)
        return next(rate for code, since, rate in reversed(self.rates) if code == currency and since <= day)

    @staticmethod
    def monthly(row: Row, plan: Row) -> Fraction:
        """What a stretch bills per month in the currency of the plan."""
        if row["status"] not in ("active", "past_due"):
            return ZERO
        value = Fraction(plan["price"]) * int(row["quantity"]) * (1 - Fraction(row["discount_percent"]) / 100)
        if row.get("amount") is not None:
            value = Fraction(row["amount"])
        return value / MONTHS_PER_INTERVAL[plan["billing_interval"]] / int(plan["billing_interval_count"])

    def mrr_of(self, row: Row, plan: Row) -> Fraction:
        """The MRR of a stretch."""
        exact = self.monthly(row, plan)
        first_start = self.first_start.get(row["subscription_id"])
        if exact == 0 or first_start is None:  # of no length
            return ZERO
        return rounded(exact * self.rate_on(plan["currency"].upper(), self.day(first_start)))

    def worth(self, customers: list[str], end: date) -> Fraction:
        """What the MRR of some customers before `end` is worth at the rates of the day before."""
        balances: dict[str, Fraction] = defaultdict(Fraction)
        for customer in customers:
            for s in self.stretches[customer]:
                instant = self.midnight(end)
                if s.start < instant and (s.end is None or s.end >= instant):
                    balances[s.currency] += s.currency_mrr
        day = min(end, self.as_of) - DAY
        return sum((rounded(balance * self.rate_on(code, day)) for code, balance in balances.items() if balance), ZERO)

    def mrr_before(self, customer: str, instant: datetime) -> Fraction:
        """A customer's MRR at the left limit of an instant."""
        return sum(
            (s.mrr for s in self.stretches[customer] if s.start < instant and (s.end is None or s.end >= instant)), ZERO
        )

    def movement(self, customer: str, start: date, end: date) -> Movement:
        """(type, opening, closing) of a customer in the dates [start, end); type None if nothing moved."""
        first_instant, next_instant = self.midnight(start), self.midnight(end)
        o, c = self.mrr_before(customer, first_instant), self.mrr_before(customer, next_instant)
        if o == 0 < c:
            is_first = first_instant <= self.first_paid[customer] < next_instant
            return ("new" if is_first else "reactivation"), o, c
        if o > 0 == c:
            return "churn", o, c
        if o == c == 0:
            # Reading: a former customer who returns and leaves again inside one period is transient as well.
            paid = any(
                s.start < next_instant and (s.end is None or s.end > first_instant) for s in self.stretches[customer]
            )
            return ("transient" if paid else None), o, c
        return ("expansion" if o < c else "contraction" if c < o else None), o, c

    def movements(self, start: date, end: date) -> dict[str, Movement]:
        """The movement of everybody who pays at the opening, the closing or between."""
        found = {customer: self.movement(customer, start, end) for customer in self.stretches}
        return {customer: move for customer, move in found.items() if move != (None, 0, 0)}

    # plans

    def highest_plan(self, customer: str, instant: datetime) -> str | None:
        """The plan with the highest MRR at the left limit of an instant, ties by plan id; None if nothing is paid."""
        mrr: dict[str, Fraction] = defaultdict(Fraction)
        for s in self.stretches[customer]:
            if s.start < instant and (s.end is None or s.end >= instant):
                mrr[s.plan] += s.mrr
        return min(mrr, key=lambda plan: (-mrr[plan], plan), default=None)

    def plan_of(self, customer: str, start: date, end: date) -> str:
        """The plan that a customer is counted under in the dates [start, end)."""
        first_instant, next_instant = self.midnight(start), self.midnight(end)
        # Reading: of a transient customer, the plan of the one stretch with the highest MRR.
        inside = [
            (-s.mrr, s.plan)
            for s in self.stretches[customer]
            if s.start < next_instant and (s.end is None or s.end > first_instant)
        ]
        return self.highest_plan(customer, first_instant) or self.highest_plan(customer, next_instant) or min(inside)[1]

    def plan_value(self, segment: str, plan: str) -> str:
        """The value of a plan in a segment of plans; the billing interval carries its count where it is not 1."""
        row = self.plans[plan]
        if segment == "billing_interval" and int(row["billing_interval_count"]) != 1:
            return f"{int(row['billing_interval_count'])} {row['billing_interval']}s"
        return plan if segment == "plan" else known(row[segment])

    def attribute_value(self, segment: str, customer: str | None) -> str:
        """The value of a customer in a segment of attributes; a guest has none of them."""
        row = {name.lower(): value for name, value in self.customers.get(customer, {}).items()}
        # Reading: a guest is `unknown` in each attribute of a crossing, as a customer without both is.
        # Reading: two customers whose values read alike once joined (`a / b` and `c`, `a` and `b / c`) share a value.
        return " / ".join(known(row.get(name.lower())) for name in segment.split("+"))

    # periods and segments

    @property
    def attributes(self) -> list[str]:
        """The segments that are no segments of plans: columns of customers and crossings of them."""
        return [segment for segment in self.settings["segments"] if segment not in OF_PLANS]

    @cached_property
    def slices(self) -> list[Slice]:
        """The total, then every value of every segment."""

        def slice_of(segment: str, value: str, customers: list[str], booked: list[Order]) -> Slice:
            paid = [self.first_paid[customer] for customer in customers if customer in self.first_paid]
            orders = [order for order in booked if not order.is_correction]
            return Slice(
                segment,
                value,
                customers,
                booked,
                orders,
                self.day(min(paid)) if paid else None,
                min((order.day for order in orders), default=None),
            )

        result = [slice_of("all", "all", list(self.customers), self.booked)]
        for segment in (s for s in self.settings["segments"] if s in OF_PLANS):
            by_value = defaultdict(set)
            for plan in self.plans:
                by_value[self.plan_value(segment, plan)].add(plan)
            for value, plans in sorted(by_value.items()):
                paid = [s.start for theirs in self.stretches.values() for s in theirs if s.plan in plans]
                result.append(Slice(segment, value, [], [], [], self.day(min(paid)) if paid else None, None, plans))
        for segment in self.attributes:
            # Reading: the segment is called what the var calls it, whatever the case of the column's name.
            values = {customer: self.attribute_value(segment, customer) for customer in (*self.customers, None)}
            for value in sorted(set(values.values())):
                result.append(
                    slice_of(
                        segment,
                        value,
                        [c for c in self.customers if values[c] == value],
                        [order for order in self.booked if values[order.customer] == value],
                    )
                )
        return result

    def periods(self, grain: str, first: date | None) -> list[tuple[date, date]]:
        """(start, end) of every period from the one holding `first` to the one holding the last known day."""
        result = []
        start = first and period_start(grain, first, self.fiscal_month)
        while start and start < self.as_of:
            result.append((start, period_end(grain, start)))
            start = period_end(grain, start)
        return result

    def previous(self, grain: str, start: date) -> tuple[date, date]:
        """The period before the one that starts at `start`."""
        return period_start(grain, start - DAY, self.fiscal_month), start

    def rows(self, first: FirstDate) -> Iterator[tuple[Row, str, date, date, Slice]]:
        """(common six columns, grain, start, end, slice) of a `*_by_period` mart; `first` dates a slice's first row."""
        for grain in self.settings["period_grains"]:
            for start, end in self.periods(grain, first(self.slices[0])):
                for part in self.slices:
                    part_from = first(part)
                    if part_from is not None and part_from < end:
                        yield (
                            {
                                "period_grain": grain,
                                "period_start_date": start,
                                "period_end_date": end - DAY,
                                "is_complete": end <= self.as_of,
                                "segment": part.segment,
                                "segment_value": part.value,
                            },
                            grain,
                            start,
                            end,
                            part,
                        )

    # measures of one slice in one period

    def counted(self, part: Slice, start: date, end: date) -> list[str]:
        """The customers of a slice who moved or paid in a period."""
        moves = self.movements(start, end)
        if part.plans is not None:
            return [c for c in moves if self.plan_of(c, start, end) in part.plans]
        return [c for c in part.customers if c in moves]

    def mrr_measures(self, part: Slice, start: date, end: date) -> tuple[Counts, Amounts]:
        """Counts and exact amounts of the subscription side."""
        n: Counts = Counter()
        amount: Amounts = defaultdict(Fraction)
        moves = self.movements(start, end)
        customers = self.counted(part, start, end)
        amount["opening at rates"], amount["closing at rates"] = (
            self.worth(customers, start),
            self.worth(customers, end),
        )
        for customer in customers:
            kind, o, c = moves[customer]
            if kind == "churn" and self.tenure_at_last_churn(customer, end) < self.settings["new_customer_days"]:
                n["lost while new"] += 1
                amount["lost while new"] += o
            n[kind] += 1
            n["opening"] += o > 0
            n["closing"] += c > 0
            amount[kind] += abs(c - o)
            amount["opening"] += o
            amount["closing"] += c
            amount["retained"] += c if o > 0 else 0
            amount["gross_retained"] += min(o, c)
        return n, amount

    def tenure_at_last_churn(self, customer: str, end: date) -> int:
        """Days from the first paid date to the last date before `end` on which paid MRR fell to zero."""
        day = end - DAY
        while (
            not self.mrr_before(customer, self.midnight(day)) > 0 == self.mrr_before(customer, self.midnight(day + DAY))
        ):
            day -= DAY
        return (day - self.day(self.first_paid[customer])).days

    def subscribers(self, part: Slice, day: date) -> set[str]:
        """Customers of a slice with a live stretch that is not paused, at the left limit of a date."""
        instant = self.midnight(day)
        return {
            c
            for c in part.customers
            if any(start < instant and (end is None or end >= instant) for start, end in self.subscribed[c])
        }

    def order_measures(self, part: Slice, grain: str, start: date, end: date) -> Row:
        """Counts, exact amounts and gaps of the order side."""
        previous_start = self.previous(grain, start)[0]
        booked = [order for order in part.booked if order.day < end]
        to_date = [order for order in part.orders if order.day < end]
        here = [order for order in to_date if order.day >= start]
        known = [order for order in to_date if order.customer is not None]
        now = Counter(order.customer for order in here if order.customer is not None)
        ever = Counter(order.customer for order in known)
        before = {order.customer for order in known if order.day < start}
        previous = {order.customer for order in known if previous_start <= order.day < start}
        days = {customer: [order.day for order in self.orders_of[customer] if order.day < end] for customer in now}
        return {
            "orders": len(here),
            "revenue": sum(order.revenue for order in booked if order.day >= start),
            "ordering": len(now),
            "new": len(set(now) - before),
            "returning": sum(ever[customer] >= 2 for customer in now),
            "repeat": sum(count >= 2 for count in now.values()),
            "identified_orders": sum(now.values()),
            "to_date": len(ever),
            "repeat_to_date": sum(count >= 2 for count in ever.values()),
            "gaps": [(b - a).days for theirs in days.values() for a, b in pairwise(theirs) if b >= start],
            "previous": len(previous),
            "retained": len(previous & set(now)),
            # Reading: of all that was booked, also by customers who have corrections alone.
            "revenue_to_date": sum(order.revenue for order in booked),
            "identified_revenue_to_date": sum(order.revenue for order in booked if order.customer is not None),
        }


# --- marts -----------------------------------------------------------------------------------------------------------


def marts(company: Company) -> Marts:
    """All marts of this module: name -> list of rows (dicts)."""
    churn, mrr, retention = _subscription_marts(company)
    clv, orders, periods = _clv_by_period(company), _repeat_purchase_by_period(company), _periods(company)
    return {
        "plan_transitions_by_period": _plan_transitions_by_period(company),
        "revenue_change_by_period": _revenue_change_by_period(company),
        "customer_churn_by_period": churn,
        "mrr_churn_by_period": mrr,
        "retention_by_period": retention,
        "clv_by_period": clv,
        "repeat_purchase_by_period": orders,
        "kpis_by_period": _kpis_by_period(company, clv, [churn, mrr, retention, orders], periods),
        "mrr_bridge_by_period": _mrr_bridge_by_period(mrr),
        "retention_by_cohort": _retention_by_cohort(company),
        "mrr_movements": _mrr_movements(company),
        "customers": _customers(company),
        "customer_segments": _customer_segments(company),
        "plans": _plans(company),
        "periods": periods,
    }


KPIS = """
    opening_customers new_customers reactivated_customers churned_customers closing_customers churn_rate retention_rate
    opening_mrr new_mrr reactivation_mrr expansion_mrr contraction_mrr churned_mrr closing_mrr net_new_mrr
    mrr_churn_rate net_revenue_retention gross_revenue_retention quick_ratio arpa subscription_clv orders revenue
    average_order_value repeat_purchase_rate order_retention_rate order_clv
""".split()


def _kpis_by_period(company: Company, base: list[Row], others: list[list[Row]], periods: list[Row]) -> list[Row]:
    # Reading: its rows are those of clv_by_period, so that it has no plans either.
    keys = ("period_grain", "period_start_date", "segment", "segment_value")
    found: dict[tuple[Any, ...], Row] = {tuple(row[key] for key in keys): dict(row) for row in base}
    for row in [row for rows in others for row in rows]:
        found.get(tuple(row[key] for key in keys), {}).update(row)
    labels = {(row["period_grain"], row["period_start_date"]): row["period_label"] for row in periods}
    currency = company.settings.get("reporting_currency", "USD")
    return [
        {
            **{name: row[name] for name in (*keys[:2], "period_end_date", "is_complete", *keys[2:])},
            "period_label": labels[row["period_grain"], row["period_start_date"]],
            "currency": currency,
            **{name: row.get(name) for name in KPIS},
        }
        for row in found.values()
    ]


def _mrr_bridge_by_period(mrr: list[Row]) -> list[Row]:
    result = []
    for row in mrr:
        six, running = dict(list(row.items())[:6]), Decimal(0)
        steps = {"opening": 1, "new": 1, "reactivation": 1, "expansion": 1, "contraction": -1, "churned": -1}
        for number, (step, sign) in enumerate([*steps.items(), ("closing", 1)], 1):
            amount = sign * row[f"{step}_mrr"]
            running = amount if step == "closing" else running + amount
            result.append({**six, "step_number": number, "step": step, "mrr": amount, "running_mrr": running})
    return result


def _subscription_marts(company: Company) -> tuple[list[Row], list[Row], list[Row]]:
    churn, mrr, retention = [], [], []
    for six, _, start, end, part in company.rows(lambda part: part.paid_from):
        n, amount = company.mrr_measures(part, start, end)
        opening, lost = amount["opening"], amount["churn"]
        churn.append(
            {
                **six,
                "opening_customers": n["opening"],
                "new_customers": n["new"],
                "reactivated_customers": n["reactivation"],
                "churned_customers": n["churn"],
                "closing_customers": n["closing"],
                "transient_customers": n["transient"],
                "churn_rate": rate(n["churn"], n["opening"]),
                "net_new_customers": n["closing"] - n["opening"],
                "replacement_ratio": rate(n["new"] + n["reactivation"], n["churn"]),
                "churned_new_customers": n["lost while new"],
                "churned_existing_customers": n["churn"] - n["lost while new"],
                **_including_free(company, part, start, end),
            }
        )
        mrr.append(
            {
                **six,
                "opening_mrr": money(opening),
                "new_mrr": money(amount["new"]),
                "reactivation_mrr": money(amount["reactivation"]),
                "expansion_mrr": money(amount["expansion"]),
                "contraction_mrr": money(amount["contraction"]),
                "churned_mrr": money(lost),
                "closing_mrr": money(amount["closing"]),
                "expansion_customers": n["expansion"],
                "contraction_customers": n["contraction"],
                "mrr_churn_rate": rate(lost, opening),
                "gross_mrr_churn_rate": rate(lost + amount["contraction"], opening),
                "net_mrr_churn_rate": rate(
                    lost + amount["contraction"] - amount["expansion"] - amount["reactivation"], opening
                ),
                "net_new_mrr": money(amount["closing"] - opening),
                "quick_ratio": rate(
                    amount["new"] + amount["reactivation"] + amount["expansion"], lost + amount["contraction"]
                ),
                "churned_new_customer_mrr": money(amount["lost while new"]),
                "churned_existing_customer_mrr": money(lost - amount["lost while new"]),
                "closing_mrr_at_closing_rates": money(amount["closing at rates"]) if company.has_rates else None,
                "fx_effect": money(
                    amount["closing at rates"] - amount["closing"] - amount["opening at rates"] + opening
                )
                if company.has_rates
                else None,
            }
        )
        retention.append(
            {
                **six,
                "opening_customers": n["opening"],
                "retained_customers": n["opening"] - n["churn"],
                "retention_rate": rate(n["closing"] - n["new"] - n["reactivation"], n["opening"]),
                "opening_mrr": money(opening),
                "retained_mrr": money(amount["retained"]),
                "net_revenue_retention": rate(amount["retained"], opening),
                "gross_revenue_retention": rate(amount["gross_retained"], opening),
            }
        )
    _add_trends(company, churn)
    return churn, mrr, retention


def _including_free(company: Company, part: Slice, start: date, end: date) -> Row:
    names = [f"{name}_customers_including_free" for name in ("opening", "churned", "closing")]
    if part.plans is not None:
        return dict.fromkeys(names) | {"churn_rate_including_free": None}
    opening, closing = company.subscribers(part, start), company.subscribers(part, end)
    return dict(zip(names, (len(opening), len(opening - closing), len(closing)))) | {
        "churn_rate_including_free": rate(len(opening - closing), len(opening))
    }


def _add_trends(company: Company, rows: list[Row]) -> None:
    """Columns that compare a churn rate with others, to the rows of customer_churn_by_period."""
    history = defaultdict(list)
    for row in rows:
        history[row["period_grain"], row["segment"], row["segment_value"]].append(row)
    for (grain, *_), theirs in history.items():
        exact = {row["period_start_date"]: ratio(row["churned_customers"], row["opening_customers"]) for row in theirs}
        complete = [row["period_start_date"] for row in theirs if row["is_complete"]]
        for i, row in enumerate(theirs):
            start, churn_rate, n = row["period_start_date"], row["churn_rate"], row["opening_customers"]
            before = theirs[i - 1]["churn_rate"] if i else None
            known = [day for day in complete if day <= start]
            means = []
            for length in (3, 12):
                rates = [share for day in known[-length:] if (share := exact[day]) is not None]
                means.append(rate(sum(rates), len(rates)) if len(known) >= length else None)
            last = [share for day in known[-3:] if (share := exact[day]) is not None]
            direction = None
            if len(last) == 3:
                direction = (
                    "rising" if last[0] < last[1] < last[2] else "falling" if last[0] > last[1] > last[2] else "mixed"
                )
            # Reading: the 29th of February looks back at the 28th.
            day = min(start.day, 28) if start.month == 2 else start.day
            year_before = start - 364 * DAY if grain == "week" else date(start.year - 1, start.month, day)
            low, high = BENCHMARKS.get((company.settings["company_stage"], grain), (None, None))
            verdict = None
            if row["is_complete"] and churn_rate is not None and low is not None:
                verdict = "better" if churn_rate < low else "worse" if churn_rate > high else "within"
            row.update(
                {
                    "previous_churn_rate": before,
                    "churn_rate_change": None if churn_rate is None or before is None else churn_rate - before,
                    "churn_rate_year_before": rate(exact.get(year_before)),
                    "trailing_3_churn_rate": means[0],
                    "trailing_12_churn_rate": means[1],
                    "churn_rate_direction": direction,
                    "churn_rate_low": _wilson(churn_rate, n, -1),
                    "churn_rate_high": _wilson(churn_rate, n, 1),
                    "is_low_sample": n < company.settings["low_sample_customers"],
                    "benchmark_low": low,
                    "benchmark_high": high,
                    "benchmark_verdict": verdict,
                }
            )


def _wilson(share: float | None, n: int, side: int) -> float | None:
    if share is None or share == (0 if side < 0 else 1):
        return share
    z = 1.959963985
    center, spread = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return (center + side * spread) / (1 + z * z / n)


def _plan_transitions_by_period(company: Company) -> list[Row]:
    result = []
    for six, _, start, end, part in company.rows(lambda part: part.paid_from if part.plans is None else None):
        found = defaultdict(list)
        for customer, (_, o, c) in company.movements(start, end).items():
            if customer in part.customers and o > 0 and c > 0:
                plans = (
                    company.highest_plan(customer, company.midnight(start)),
                    company.highest_plan(customer, company.midnight(end)),
                )
                if plans[0] != plans[1]:
                    found[plans].append((o, c))
        for (before, after), moves in found.items():
            opening, closing = sum(o for o, _ in moves), sum(c for _, c in moves)
            result.append(
                {
                    **six,
                    "from_plan_id": before,
                    "from_plan_name": company.plans[before]["plan_name"],
                    "to_plan_id": after,
                    "to_plan_name": company.plans[after]["plan_name"],
                    "customers": len(moves),
                    "opening_mrr": money(opening),
                    "closing_mrr": money(closing),
                    "mrr_change": money(closing - opening),
                }
            )
    return result


def _revenue_change_by_period(company: Company) -> list[Row]:
    result = []
    for six, grain, start, end, part in company.rows(lambda part: part.ordered_from):
        previous_start = company.previous(grain, start)[0]
        flows: dict[str, Fraction] = defaultdict(Fraction)
        now: dict[str | None, Fraction] = defaultdict(Fraction)
        before: dict[str | None, Fraction] = defaultdict(Fraction)
        for order in part.booked:
            now[order.customer] += order.revenue if start <= order.day < end else 0
            before[order.customer] += order.revenue if previous_start <= order.day < start else 0
        ordered = {order.customer for order in part.orders if start <= order.day < end}
        ordered_before = {order.customer for order in part.orders if previous_start <= order.day < start}
        ever = {order.customer for order in part.orders if order.day < start}
        for customer in (now.keys() | before.keys()) - {None}:
            rest = now[customer] - before[customer]
            if customer in ordered_before - ordered:
                flows["lost"] += before[customer]
                rest += before[customer]
            if customer in ordered - ordered_before:
                flows["returning" if customer in ever else "new"] += now[customer]
                rest -= now[customer]
            # Reading: with orders in both periods, what changed; else corrections, which shrink the revenue of the
            # period without orders in which they are booked, and let that of the following one grow.
            flows["growth" if rest > 0 else "shrinkage"] += abs(rest)
        result.append(
            {
                **six,
                "previous_revenue": sum_of_amounts(sum(before.values())),
                "new_customer_revenue": sum_of_amounts(flows["new"]),
                "returning_customer_revenue": sum_of_amounts(flows["returning"]),
                "growth_revenue": sum_of_amounts(flows["growth"]),
                "shrinkage_revenue": sum_of_amounts(flows["shrinkage"]),
                "lost_customer_revenue": sum_of_amounts(flows["lost"]),
                "guest_revenue_change": sum_of_amounts(now[None] - before[None]),
                "revenue": sum_of_amounts(sum(now.values())),
            }
        )
    return result


def either_from(part: Slice) -> date | None:
    """The date of the first paid start or order of a slice that is not by plan."""
    days = [day for day in (part.paid_from, part.ordered_from) if day is not None and part.plans is None]
    return min(days, default=None)


def _clv_by_period(company: Company) -> list[Row]:
    result = []
    for six, grain, start, end, part in company.rows(either_from):
        row, paid_from, ordered_from = dict(six), part.paid_from, part.ordered_from
        # Reading: a side "has the period" where its own mart has the row, that is from the segment value's first paid
        # start or first order on; before it to-date counts and amounts are null, not 0.
        arpa = churn = trailing = None
        if paid_from is not None and end > paid_from:
            n, amount = company.mrr_measures(part, start, end)
            arpa, churn = ratio(amount["closing"], n["closing"]), ratio(n["churn"], n["opening"])
            # Reading: the window is the six periods right before this one, fewer where the calendar starts later.
            rates: list[Fraction] = []
            before = (start, end)
            for _ in range(6):
                before = company.previous(grain, before[0])
                if before[1] > paid_from:
                    counts = company.mrr_measures(part, *before)[0]
                    share = ratio(counts["churn"], counts["opening"])
                    rates += [] if share is None else [share]
            trailing = ratio(sum(rates), len(rates))
        # Reading: CLVs are computed from exact ratios and rounded once, not from the rounded arpa or order value.
        margin = times(arpa, MONTHS_IN_GRAIN[grain], company.gross_margin)
        row.update(
            {
                "arpa": money(arpa),
                "churn_rate": rate(churn),
                "subscription_clv": money(ratio(margin, churn)),
                "trailing_churn_rate": rate(trailing),
                "trailing_subscription_clv": money(ratio(margin, trailing)),
            }
        )
        value = frequency = lost = lifespan = customers = revenue = realized = None
        if ordered_from is not None and end > ordered_from:
            m = company.order_measures(part, grain, start, end)
            value, frequency = ratio(m["revenue"], m["orders"]), ratio(m["identified_orders"], m["ordering"])
            kept = ratio(m["retained"], m["previous"])
            lost = None if kept is None else 1 - kept
            lifespan = ratio(1, lost)
            customers, revenue = m["to_date"], m["revenue_to_date"]
            realized = ratio(m["identified_revenue_to_date"], m["to_date"])
        row.update(
            {
                "average_order_value": money(value),
                "purchase_frequency": rate(frequency),
                "order_churn_rate": rate(lost),
                "lifespan_periods": rate(lifespan),
                "order_clv": money(times(value, frequency, lifespan, company.gross_margin)),
                "customers_to_date": customers,
                "revenue_to_date": sum_of_amounts(revenue),
                "realized_order_clv": money(realized),
            }
        )
        result.append(row)
    return result


def _repeat_purchase_by_period(company: Company) -> list[Row]:
    result = []
    for six, grain, start, end, part in company.rows(lambda part: part.ordered_from):
        m = company.order_measures(part, grain, start, end)
        result.append(
            {
                **six,
                "orders": m["orders"],
                "revenue": sum_of_amounts(m["revenue"]),
                "average_order_value": money(ratio(m["revenue"], m["orders"])),
                "ordering_customers": m["ordering"],
                "new_ordering_customers": m["new"],
                "returning_customers": m["returning"],
                "repeat_customers": m["repeat"],
                "purchase_frequency": rate(m["identified_orders"], m["ordering"]),
                "repeat_purchase_rate": rate(m["repeat"], m["ordering"]),
                "returning_customer_rate": rate(m["returning"], m["ordering"]),
                "customers_to_date": m["to_date"],
                "repeat_customers_to_date": m["repeat_to_date"],
                "repeat_purchase_rate_to_date": rate(m["repeat_to_date"], m["to_date"]),
                "average_days_between_orders": rate(sum(m["gaps"]), len(m["gaps"])),
                "median_days_between_orders": rate(median(m["gaps"]) if m["gaps"] else None),
                "previous_ordering_customers": m["previous"],
                "retained_ordering_customers": m["retained"],
                "order_retention_rate": rate(m["retained"], m["previous"]),
            }
        )
    return result


def _retention_by_cohort(company: Company) -> list[Row]:
    result = []
    everything = company.slices[0]
    first_paid = {c: company.day(company.first_paid[c]) for c in company.customers if c in company.first_paid}
    first_order = {c: company.orders_of[c][0].day for c in company.customers if company.orders_of.get(c)}
    for basis, side_from, first_day in (
        ("subscription", everything.paid_from, first_paid),
        ("order", everything.ordered_from, first_order),
    ):
        for grain in company.settings["period_grains"]:
            calendar = company.periods(grain, side_from) if grain != "day" else []
            for i, (cohort_start, cohort_end) in enumerate(calendar):
                for part in (part for part in company.slices if part.plans is None):
                    cohort = [c for c in part.customers if c in first_day and cohort_start <= first_day[c] < cohort_end]
                    for age, (start, end) in enumerate(calendar[i:] if cohort else []):
                        row = {
                            "basis": basis,
                            "period_grain": grain,
                            "cohort_start_date": cohort_start,
                            "periods_since": age,
                            "segment": part.segment,
                            "segment_value": part.value,
                            "cohort_size": len(cohort),
                        }
                        if basis == "subscription":
                            closing = [company.mrr_before(c, company.midnight(end)) for c in cohort]
                            retained, revenue, total = sum(v > 0 for v in closing), sum(closing), None
                        else:
                            theirs = [order for c in cohort for order in company.booked_of[c] if order.day < end]
                            inside = [order for order in theirs if order.day >= start]
                            retained = len({order.customer for order in inside if not order.is_correction})
                            revenue, total = sum(o.revenue for o in inside), sum(o.revenue for o in theirs)
                        row.update(
                            {
                                "retained_customers": retained,
                                "retention_rate": rate(retained, len(cohort)),
                                "revenue": sum_of_amounts(revenue),
                                "cumulative_revenue": sum_of_amounts(total),
                                "is_complete": end <= company.as_of,
                            }
                        )
                        result.append(row)
    return result


def _mrr_movements(company: Company) -> list[Row]:
    result = []
    for customer in sorted(company.stretches):
        # Reading: the ledger is no period mart, so it stays whole where the day grain is removed.
        for start, end in company.periods("day", company.day(company.first_paid[customer])):
            kind, o, c = company.movement(customer, start, end)
            # Reading: a day that closes where it opened (transient or swapped and back) changed nothing: no row.
            if o != c:
                result.append(
                    {
                        "customer_id": customer,
                        "movement_date": start,
                        "movement_type": kind,
                        "mrr_change": money(c - o),
                        "opening_mrr": money(o),
                        "closing_mrr": money(c),
                    }
                )
    return result


def _customers(company: Company) -> list[Row]:
    result = []
    for customer, raw in sorted(company.customers.items()):
        stretches = company.stretches.get(customer, [])
        current = sum((s.mrr for s in stretches if s.end is None), ZERO)
        # Reading: of the highest MRR at as_of_date, ties by plan id; null for a customer who does not pay then.
        plan = company.highest_plan(customer, datetime.max) if current > 0 else None
        churned_at = None if current > 0 else max((s.end for s in stretches if s.end), default=None)
        orders = company.orders_of.get(customer, [])
        gaps = [(b.day - a.day).days for a, b in pairwise(orders)]
        revenue = sum((order.revenue for order in company.booked_of.get(customer, [])), ZERO)
        result.append(
            {
                "customer_id": customer,
                "created_at": company.instant(raw["created_at"]),
                # Reading: a null attribute stays null here; `unknown` is the name of a segment value.
                **{name: raw.get(name) for name in ("country", "acquisition_channel")},
                "plan_id": plan,
                "plan_name": company.plans[plan]["plan_name"] if plan else None,
                "first_paid_at": company.first_paid.get(customer),
                "churned_at": churned_at,
                "current_mrr": money(current),
                "is_paying": current > 0,
                # Reading: no orders are 0 orders and revenue 0; only the averages and instants are null then.
                "orders": len(orders),
                "revenue": sum_of_amounts(revenue),
                "first_order_at": orders[0].at if orders else None,
                "last_order_at": orders[-1].at if orders else None,
                "average_order_value": money(ratio(revenue, len(orders))),
                "average_days_between_orders": rate(sum(gaps), len(gaps)),
            }
        )
    return result


def _customer_segments(company: Company) -> list[Row]:
    # Reading: `all` is a segment, too, so that the total leads to its customers as every other number does.
    return [
        {"customer_id": customer, "segment": segment, "segment_value": value}
        for customer in company.customers
        for segment, value in [
            ("all", "all"),
            *((segment, company.attribute_value(segment, customer)) for segment in company.attributes),
        ]
    ]


def _plans(company: Company) -> list[Row]:
    result = []
    for plan, raw in company.plans.items():
        # Reading: a plan's own MRR, whatever else its customers pay for.
        running = {
            customer: sum(s.mrr for s in stretches if s.plan == plan and s.end is None)
            for customer, stretches in company.stretches.items()
        }
        result.append(
            {
                "plan_id": plan,
                "plan_name": raw["plan_name"],
                # Reading: a null product stays null here; `unknown` is the name of a segment value.
                "product": raw["product"],
                "tier": None if raw["tier"] is None else int(raw["tier"]),
                "price": sum_of_amounts(Fraction(raw["price"])),
                # Reading: in capital letters, however it is written in the raw table.
                "currency": raw["currency"].upper(),
                "billing_interval": raw["billing_interval"],
                "billing_interval_count": int(raw["billing_interval_count"]),
                "mrr": money(sum(running.values())),
                "paying_customers": sum(mrr > 0 for mrr in running.values()),
            }
        )
    return result


def _periods(company: Company) -> list[Row]:
    """The periods of both sides."""
    first = either_from(company.slices[0])
    return [
        {
            "period_grain": grain,
            "period_start_date": start,
            "period_end_date": end - DAY,
            "period_label": period_label(grain, start, company.fiscal_month),
            "days_in_period": (end - start).days,
            "is_complete": end <= company.as_of,
        }
        for grain in company.settings["period_grains"]
        for start, end in company.periods(grain, first)
    ]
