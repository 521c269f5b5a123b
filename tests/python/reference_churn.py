"""Brute-force reference of the marts about why, when and by which definition customers leave, beside reference.py.

`churn_marts(Facts(raw, settings))` recounts them customer by customer and day by day from the text of the definitions.
Every place where the text leaves room is marked with a comment that starts with `# Reading:`.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from reference import (
    DAY,
    ZERO,
    Company,
    FirstDate,
    Marts,
    Raw,
    Row,
    Settings,
    Slice,
    either_from,
    money,
    plain,
    rate,
    rounded,
)

DEFAULTS = {
    "renewal_grace_days": 30,
    "inactivity_days": 90,
    "single_purchase_days": 90,
    "declining_days": 45,
    "trial_conversion_days": 30,
}
BY_SUBSCRIPTION = ("subscription_end", "cancel_request", "annual_not_renewed", "downgrade")
BY_ORDER = ("inactivity", "single_purchase")


class Term(NamedTuple):
    """A stretch of positive length that began before as_of_date; `end` is None unless it ended before as_of_date."""

    subscription: str
    customer: str
    plan: str
    product: str
    status: str
    start: datetime
    end: datetime | None
    scheduled_end: datetime | None
    mrr: Fraction
    requested: datetime | None
    reason: str | None
    row: Row


class Request(NamedTuple):
    """One instant at which the cancellation of a subscription was asked for."""

    subscription: str
    customer: str
    at: datetime
    day: date
    plan: str
    mrr: Fraction
    reason: str | None
    outcome: str
    outcome_day: date | None


class Change(NamedTuple):
    """A downgrade or upgrade of one product of a customer."""

    kind: str
    customer: str
    product: str
    day: date
    plan: str
    opening: Fraction
    closing: Fraction


class Loss(NamedTuple):
    """What was lost by a definition, before the losses of a day are one event."""

    definition: str
    customer: str
    day: date
    mrr: Fraction
    plan: str | None
    reason: str | None
    tie: Any


@cache
def seed(name: str) -> list[dict[str, str]]:
    """The rows of a reference seed."""
    path = Path(__file__).resolve().parents[2] / "seeds" / "reference" / f"{name}.csv"
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Facts(Company):
    """The company with all that its stretches say, and its activity."""

    def __init__(self, raw: Raw, settings: Settings) -> None:
        super().__init__(raw, {**DEFAULTS, **settings})
        for name in ("paid_on", "events", "losses", "requests", "product_changes", "stages", "exists_from"):
            setattr(self, name, cache(getattr(self, name)))
        self.activity = [
            (row["customer_id"], date.fromisoformat(row["activity_date"]), int(row["events"]))
            for row in raw.get("activity") or []
        ]
        # The last instant at which a paid stretch of a subscription starts, known by now or not.
        self.last_paid_start: dict[str, datetime] = {}
        self.terms: list[Term] = []
        for texts in raw.get("subscriptions") or []:
            row: Row = {k: None if v == "" else v for k, v in texts.items()}
            start, end = self.instant(row["started_at"]), self.end(row["ended_at"])
            # Reading: whether a later start is paid is asked in the currency of its plan.
            if (end is None or end > start) and rounded(self.monthly(row, self.plans[row["plan_id"]])) > 0:
                self.last_paid_start[row["subscription_id"]] = max(
                    start, self.last_paid_start.get(row["subscription_id"], start)
                )
            if self.day(start) >= self.as_of or (end is not None and end <= start):
                continue
            known_end = None if end is None or self.day(end) >= self.as_of else end
            self.terms.append(
                Term(
                    row["subscription_id"],
                    row["customer_id"],
                    row["plan_id"],
                    self.plan_value("product", row["plan_id"]),
                    row["status"],
                    start,
                    known_end,
                    end,
                    self.mrr_of(row, self.plans[row["plan_id"]]),
                    row["cancel_requested_at"] and self.instant(row["cancel_requested_at"]),
                    row["end_reason"],
                    row,
                )
            )
        self.terms.sort(key=lambda term: (term.subscription, term.start))
        self.paid_terms = [term for term in self.terms if term.mrr > 0]

    def first_paid_on(self, customer: str) -> date | None:
        """The business date of the first paid instant, or None."""
        at = self.first_paid.get(customer)
        return None if at is None else self.day(at)

    # paying, day by day

    def paid_on(self, customer: str, day: date) -> dict[str, Fraction]:
        """What the customer pays by plan at the closing of a day."""
        instant = self.midnight(day + DAY)
        mrr: dict[str, Fraction] = defaultdict(Fraction)
        for s in self.stretches[customer]:
            if s.start < instant and (s.end is None or s.end >= instant):
                mrr[s.plan] += s.mrr
        return mrr

    def moving_days(self, customer: str) -> list[date]:
        """The days on which a paid stretch starts or ends: on no other does what the customer pays change."""
        instants = [i for s in self.stretches.get(customer, []) for i in (s.start, s.end) if i is not None]
        return sorted({self.day(i) for i in instants})

    def change_of_pay(self, customer: str, day: date) -> tuple[Fraction, Fraction]:
        """MRR at the closing of the day before and of the day."""
        return sum(self.paid_on(customer, day - DAY).values(), ZERO), sum(self.paid_on(customer, day).values(), ZERO)

    def return_days(self, customer: str) -> Iterator[date]:
        """The days on which a customer who had paid and did not any more pays again."""
        for day in self.moving_days(customer):
            before, after = self.change_of_pay(customer, day)
            # The first payment is no return, one after a first payment of some hours is.
            if before == 0 < after and day > self.day(self.first_paid[customer]):
                yield day

    # cancellations and changes of plan

    def requests(self) -> list[Request]:
        """One per subscription and instant at which its cancellation was asked for."""
        carrying = defaultdict(list)
        for term in self.paid_terms:
            if term.requested is not None and self.day(term.requested) < self.as_of:
                carrying[term.subscription, term.requested].append(term)
        result = []
        for (subscription, at), terms in carrying.items():
            live = [t for t in terms if t.start <= at and (t.end is None or at < t.end)]
            # The request of a subscription that changed hands is that of the customer of these terms.
            at_request, last = (live or terms)[0], terms[-1]
            outcome, day = "pending", None
            if last.end is not None:
                day = self.day(last.end)
                # Some hours may lie between end and start.
                goes_on = any(
                    t.subscription == subscription and t.start >= last.end and self.day(t.start) == day
                    for t in self.paid_terms
                )
                outcome = "withdrawn" if goes_on else "effective"
            result.append(
                Request(
                    subscription,
                    at_request.customer,
                    at,
                    self.day(at),
                    at_request.plan,
                    at_request.mrr,
                    last.reason if last.end is not None else None,
                    outcome,
                    day,
                )
            )
        return result

    def product_changes(self) -> list[Change]:
        """Downgrades and upgrades of each customer's products."""
        result = []
        for customer in self.stretches:
            for day in self.moving_days(customer):
                before: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
                after: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
                for when, side in ((day - DAY, before), (day, after)):
                    for plan, mrr in self.paid_on(customer, when).items():
                        side[self.plan_value("product", plan)][plan] += mrr
                for product in before.keys() & after.keys():
                    o, c = before[product], after[product]
                    opening, closing = sum(o.values(), ZERO), sum(c.values(), ZERO)
                    tiers = [
                        [int(self.plans[plan]["tier"]) for plan in side if self.plans[plan]["tier"] is not None]
                        for side in (o, c)
                    ]
                    # The highest tier of each side, if both have one.
                    step = max(tiers[1]) - max(tiers[0]) if all(tiers) else 0
                    kind = (
                        "downgrade"
                        if step < 0 or closing < opening
                        else "upgrade"
                        if step > 0 or closing > opening
                        else None
                    )
                    if kind:
                        plan = min(o, key=lambda plan: (-o[plan], plan))
                        result.append(Change(kind, customer, product, day, plan, opening, closing))
        return result

    # churn

    def losses(self) -> list[Loss]:
        """What was lost by the definitions by subscriptions, before the losses of a day are one event."""
        result = []
        for customer in self.stretches:
            for day in self.moving_days(customer):
                before, after = self.change_of_pay(customer, day)
                if before > 0 == after:
                    result.append(
                        Loss(
                            "subscription_end",
                            customer,
                            day,
                            before,
                            self.highest_plan(customer, self.midnight(day)),
                            self._reason_of(customer, day),
                            "",
                        )
                    )
        for change in self.product_changes():
            if change.kind == "downgrade":
                result.append(
                    Loss(
                        "downgrade",
                        change.customer,
                        change.day,
                        max(change.opening - change.closing, ZERO),
                        change.plan,
                        self._reason_of(change.customer, change.day),
                        change.product,
                    )
                )
        # Reading: the event and its MRR; cancellations_by_period goes on to count each request.
        last = {
            (request.subscription, request.customer, request.day): request
            for request in sorted(self.requests(), key=lambda request: request.at)
        }
        for request in last.values():
            result.append(
                Loss(
                    "cancel_request",
                    request.customer,
                    request.day,
                    request.mrr,
                    request.plan,
                    request.reason,
                    (request.subscription, request.at),
                )
            )
        for term in self.paid_terms:
            if self.plans[term.plan]["billing_interval"] == "year" and term.end is not None:
                day = self.day(term.end) + self.settings["renewal_grace_days"] * DAY
                renewed = any(
                    other.customer == term.customer
                    and other.product == term.product
                    and (other.end is None or other.end > term.end)
                    and self.day(other.start) <= day
                    for other in self.paid_terms
                )
                if day < self.as_of and not renewed:
                    result.append(
                        Loss(
                            "annual_not_renewed",
                            term.customer,
                            day,
                            term.mrr,
                            term.plan,
                            term.reason,
                            (term.subscription, term.start),
                        )
                    )
        return result

    def _reason_of(self, customer: str, day: date) -> str | None:
        """The reason of the paid stretch that ended last on a day."""
        ended = [
            (self.midnight(day) - t.end, -t.mrr, t.subscription, t.reason)
            for t in self.paid_terms
            if t.customer == customer and t.end and self.day(t.end) == day
        ]
        return min(ended, key=lambda found: found[:3])[3] if ended else None

    def events(self) -> list[Row]:
        """The rows of churn_events."""
        by_day = defaultdict(list)
        for loss in self.losses():
            by_day[loss.definition, loss.customer, loss.day].append(loss)
        result = []
        for (definition, customer, day), losses in by_day.items():
            # Of equal losses the first by id (of subscription and instant, or product) tells plan and reason.
            largest = min(losses, key=lambda loss: (-loss.mrr, loss.tie))
            returns = [d for d in self.return_days(customer) if d > day] if definition != "downgrade" else []
            result.append(
                self._event(
                    definition,
                    customer,
                    day,
                    sum((loss.mrr for loss in losses), ZERO),
                    largest.plan,
                    largest.reason,
                    self.day(self.first_paid[customer]),
                    min(returns, default=None),
                )
            )
        for customer in self.customers:
            days = [order.day for order in self.orders_of.get(customer, [])]
            found = [("inactivity", a, days[i + 1 :], "inactivity_days") for i, a in enumerate(days)]
            found += [("single_purchase", days[0], days[1:], "single_purchase_days")] if days else []
            for definition, ordered, later, length in found:
                day = ordered + self.settings[length] * DAY
                if day < self.as_of and not (later and later[0] <= day):
                    result.append(
                        self._event(definition, customer, day, None, None, None, days[0], later[0] if later else None)
                    )
        return result

    def _event(
        self,
        definition: str,
        customer: str,
        day: date,
        mrr: Fraction | None,
        plan: str | None,
        reason: str | None,
        first: date,
        returned: date | None,
    ) -> Row:
        # Reading: a reason that is not in the seed is shown in small letters.
        reason = plain(reason)
        known = [row for row in seed("churn_reasons") if row["end_reason"] == reason]
        otherwise = "voluntary" if definition in ("downgrade", "cancel_request") else "unknown"
        tenure = max((day - first).days, 0)
        band = [
            row["tenure_band"]
            for row in seed("tenure_bands")
            if int(row["from_days"]) <= tenure and (row["to_days"] == "" or tenure <= int(row["to_days"]))
        ]
        return {
            "churn_definition": definition,
            "customer_id": customer,
            "churned_on": day,
            "mrr_lost": money(mrr),
            "churn_type": known[0]["churn_type"] if known else otherwise,
            "reason": known[0]["reason"] if known else reason or "unknown",
            "tenure_days": tenure,
            "tenure_band": band[0],
            "plan_id": plan,
            "plan_name": self.plans[plan]["plan_name"] if plan else None,
            "is_new_customer": tenure < self.settings["new_customer_days"],
            "returned_on": returned,
        }

    def can_be_lost(self, definition: str, customer: str, day: date) -> bool:
        """Whether the customer is in the base of a definition at the opening of a day."""
        if definition in BY_SUBSCRIPTION:
            return self.mrr_before(customer, self.midnight(day)) > 0
        days = [order.day for order in self.orders_of.get(customer, []) if order.day < day]
        if definition == "inactivity":
            return bool(days) and days[-1] + self.settings["inactivity_days"] * DAY >= day
        return len(days) == 1 and days[0] + self.settings["single_purchase_days"] * DAY >= day

    def paid_to_free(self) -> Iterator[tuple[str, date]]:
        """(customer, day) of those who paid until that day and had an unpaid stretch at its closing."""
        for customer in self.stretches:
            for day in self.moving_days(customer):
                before, after = self.change_of_pay(customer, day)
                closing = self.midnight(day + DAY)
                is_free = any(
                    t.customer == customer
                    and t.mrr == 0
                    and t.status in ("active", "past_due")
                    and t.start < closing
                    and (t.end is None or t.end >= closing)
                    for t in self.terms
                )
                if before > 0 == after and is_free:
                    yield customer, day

    # trials

    def _is_trial(self, term: Term) -> bool:
        # Reading: what a subscription has free once it was paid is no part of its trial either, nor a trial that ends.
        return term.status == "trialing" and not any(
            paid.subscription == term.subscription and paid.start < term.start for paid in self.paid_terms
        )

    def trials(self) -> Iterator[tuple[str, date, str, bool]]:
        """(customer, day, outcome, whether it converted in time) of each subscription that has been a trial."""
        trialing = defaultdict(list)
        for term in self.terms:
            if self._is_trial(term):
                trialing[term.subscription].append(term)
        for first, *others in trialing.values():
            # The trial of a subscription that changed hands is that of its first customer.
            paid = [
                t.start
                for t in self.paid_terms
                if t.customer == first.customer and t.product == first.product and t.start >= first.start
            ]
            is_running = any(t.end is None for t in (first, *others))
            outcome = "converted" if paid else "pending" if is_running else "abandoned"
            day = self.day(first.start)
            in_time = bool(paid) and (self.day(min(paid)) - day).days <= self.settings["trial_conversion_days"]
            yield first.customer, day, outcome, in_time

    # lifecycle, day by day

    def exists_from(self, customer: str) -> date | None:
        """The day from which on there is such a customer; None if it is not known yet."""
        days = [self.day(self.instant(self.customers[customer]["created_at"]))]
        days += [self.day(term.start) for term in self.terms if term.customer == customer]
        days += [order.day for order in self.orders_of.get(customer, [])[:1]]
        return min(days) if min(days) < self.as_of else None

    def stages(self, customer: str) -> dict[date, str]:
        """The stage at the closing of every day on which the customer exists."""
        result: dict[date, str] = {}
        settings = self.settings
        day, ordered = self.exists_from(customer), [order.day for order in self.orders_of.get(customer, [])]
        active_from = min([d for d in (self.first_paid_on(customer), *ordered[:1]) if d is not None], default=None)
        returned = decreased = None
        while day is not None and day < self.as_of:
            before = self.mrr_before(customer, self.midnight(day))
            mrr = self.mrr_before(customer, self.midnight(day + DAY))
            last = max((d for d in ordered if d <= day), default=None)
            is_active = mrr > 0 or (last is not None and (day - last).days < settings["inactivity_days"])
            if mrr != before:
                decreased = day if mrr < before else None
            # Reading: one who came and went within a day had lapsed at its end, and may come back from that.
            if is_active and result.get(day - DAY) == "lapsed":
                returned = day
            pays_less = mrr > 0 and decreased is not None and (day - decreased).days < settings["declining_days"]
            orders_no_more = mrr == 0 and last is not None and (day - last).days >= settings["declining_days"]
            if active_from is None or day < active_from:
                stage = "prospect"
            elif not is_active:
                stage = "lapsed"
            elif (day - active_from).days < settings["new_customer_days"]:
                stage = "new"
            elif returned is not None and (day - returned).days < settings["new_customer_days"]:
                stage = "reactivated"
            elif pays_less or orders_no_more:
                stage = "declining"
            else:
                stage = "active"
            result[day] = stage
            day += DAY
        return result

    # risks and prospects, as known at as_of_date

    def risks(self, customer: str) -> list[str]:
        """The signs that a customer may leave."""
        running = [t for t in self.terms if t.customer == customer and t.end is None]
        stage = self.stages(customer).get(self.as_of - DAY, "prospect")
        is_paused = any(t.status == "paused" for t in running)
        # Of a lapsed customer with a paused subscription all signs are told, not this one alone.
        if stage == "prospect" or (stage == "lapsed" and not is_paused):
            return []
        orders, signs = self.orders_of.get(customer, []), []
        if any(self._ends_for_good(t) for t in running if t.mrr > 0):
            signs.append("cancellation scheduled")
        signs += ["past due"] if any(t.status == "past_due" for t in running) else []
        signs += ["paused"] if is_paused else []
        days = [order.day for order in orders]
        gaps = [(b - a).days for a, b in pairwise(days)]
        if gaps and (self.as_of - days[-1]).days > 2 * Fraction(sum(gaps), len(gaps)):
            signs.append("silent for longer than usual")
        if 2 * self.events_of(customer, 30, 0) < self.events_of(customer, 60, 30):
            signs.append("activity halved")
        booked = self.booked_of.get(customer, [])
        spent, spent_before = (
            sum(order.revenue for order in booked if n * DAY >= self.as_of - order.day > m * DAY)
            for n, m in ((90, 0), (180, 90))
        )
        if spent_before > 0 and 2 * spent < spent_before:
            signs.append("spend halved")
        return signs

    def _ends_for_good(self, term: Term) -> bool:
        """Whether the cancellation of a running stretch was requested, or its scheduled end is not followed."""
        if term.requested is not None and self.day(term.requested) < self.as_of:
            return True
        # An end in a far year stands for none.
        return (
            term.scheduled_end is not None
            and term.scheduled_end < datetime(2200, 1, 1)
            and self.last_paid_start.get(term.subscription, term.start) < term.scheduled_end
        )

    def events_of(self, customer: str, first: int, last: int) -> int:
        """Events from so many days before as_of_date to so many."""
        return sum(
            events
            for who, day, events in self.activity
            if who == customer and first * DAY >= self.as_of - day > last * DAY
        )

    def trial_ends_within(self, customer: str, hours: int) -> bool:
        limit = self.midnight(self.as_of) + timedelta(hours=hours)
        return any(
            t.customer == customer
            and self._is_trial(t)
            and t.end is None
            and t.scheduled_end is not None
            and t.scheduled_end <= limit
            for t in self.terms
        )

    def scores(self, measure: Callable[[str], Any]) -> dict[str, int]:
        """Fifths of the customers with an order: by how many of them there are below, so that equals score alike."""
        values = {customer: measure(customer) for customer in self.customers if self.orders_of.get(customer)}
        return {
            customer: 1 + 5 * sum(other < value for other in values.values()) // len(values)
            for customer, value in values.items()
        }

    def upsell_headroom(self, customer: str) -> Fraction | None:
        """What one tier more would bring, None if nothing is paid."""
        running = [t for t in self.paid_terms if t.customer == customer and t.end is None]
        total = ZERO
        for term in running:
            plan = self.plans[term.plan]
            alike = [
                other
                for other in self.plans.values()
                if None not in (plan["product"], plan["tier"], other["tier"])
                and plain(other["currency"]) == plain(plan["currency"])
                and all(other[key] == plan[key] for key in ("product", "billing_interval", "billing_interval_count"))
                and int(other["tier"]) > int(plan["tier"])
            ]
            if alike:
                following = min(alike, key=lambda other: (int(other["tier"]), Fraction(other["price"])))
                # Reading: an amount is that of the plan it is billed for, and says nothing of another plan.
                total += max(self.mrr_of({**term.row, "amount": None}, following) - term.mrr, ZERO)
        return total if running else None


# --- marts -----------------------------------------------------------------------------------------------------------


def churn_marts(facts: Facts) -> Marts:
    """All marts of this module: name -> list of rows (dicts)."""
    return {
        "churn_events": facts.events(),
        "churn_by_definition_by_period": _churn_by_definition_by_period(facts),
        "churn_reasons_by_period": _churn_reasons_by_period(facts),
        "cancellations_by_period": _cancellations_by_period(facts),
        "trial_conversion_by_period": _trial_conversion_by_period(facts),
        "lifecycle_by_period": _lifecycle_by_period(facts),
        "lifecycle_transitions_by_period": _lifecycle_transitions_by_period(facts),
        "customers": _customers(facts),
    }


def by_attributes(first: FirstDate) -> FirstDate:
    """`first` for the rows of marts without segments by plan."""
    return lambda part: first(part) if part.plans is None else None


def _churn_by_definition_by_period(facts: Facts) -> list[Row]:
    result = []
    for definitions, first in (
        (BY_SUBSCRIPTION, lambda part: part.paid_from),
        (BY_ORDER, lambda part: part.ordered_from),
    ):
        events = defaultdict(list)
        for event in facts.events():
            if event["churn_definition"] in definitions:
                # A request from before the first payment counts on the day of that payment.
                paid = facts.first_paid_on(event["customer_id"]) if definitions is BY_SUBSCRIPTION else None
                events[event["churn_definition"]].append((max(event["churned_on"], paid or event["churned_on"]), event))
        for six, _, start, end, part in facts.rows(by_attributes(first)):
            customers = set(part.customers)
            for definition in definitions:
                lost = [
                    event
                    for day, event in events[definition]
                    if start <= day < end and event["customer_id"] in customers
                ]
                base = sum(facts.can_be_lost(definition, customer, start) for customer in customers)
                mrr = sum((event["mrr_lost"] for event in lost), Decimal(0)) if definitions is BY_SUBSCRIPTION else None
                result.append(
                    {
                        **six,
                        "churn_definition": definition,
                        "opening_customers_at_risk": base,
                        "lost_customers": len(lost),
                        "loss_rate": rate(len(lost), base),
                        "lost_mrr": mrr,
                    }
                )
    return result


def _churn_reasons_by_period(facts: Facts) -> list[Row]:
    ends = defaultdict(list)
    for event in facts.events():
        if event["churn_definition"] == "subscription_end":
            ends[event["customer_id"]].append(event)
    result = []
    for six, _, start, end, part in facts.rows(by_attributes(lambda part: part.paid_from)):
        moves = facts.movements(start, end)
        rows = defaultdict(list)
        for customer in part.customers:
            kind, opening, _ = moves.get(customer, (None, 0, 0))
            if kind == "churn":
                last = max((e for e in ends[customer] if start <= e["churned_on"] < end), key=lambda e: e["churned_on"])
                rows[last["churn_type"], last["reason"], last["tenure_band"], last["plan_id"]].append(opening)
        lost, mrr = sum(len(row) for row in rows.values()), sum(sum(row) for row in rows.values())
        for (kind, reason, band, plan), row in rows.items():
            result.append(
                {
                    **six,
                    "churn_type": kind,
                    "reason": reason,
                    "tenure_band": band,
                    "plan_id": plan,
                    "plan_name": facts.plans[plan]["plan_name"],
                    "churned_customers": len(row),
                    "churned_mrr": money(sum(row, ZERO)),
                    "share_of_churned_customers": rate(len(row), lost),
                    "share_of_churned_mrr": rate(sum(row), mrr),
                }
            )
    return result


def _cancellations_by_period(facts: Facts) -> list[Row]:
    found: dict[str, list[tuple[date, str, Fraction]]] = defaultdict(list)  # (day, customer, MRR) by kind
    for request in facts.requests():
        first = facts.day(facts.first_paid[request.customer])
        found["requested"].append((max(request.day, first), request.customer, ZERO))
        if request.outcome_day is not None:
            found[request.outcome].append((max(request.outcome_day, first), request.customer, ZERO))
    for change in facts.product_changes():
        less = change.opening - change.closing
        mrr = max(less, ZERO) if change.kind == "downgrade" else -less
        found[change.kind].append((change.day, change.customer, mrr))
    found["free"] = [(day, customer, ZERO) for customer, day in facts.paid_to_free()]
    result = []
    for six, _, start, end, part in facts.rows(by_attributes(lambda part: part.paid_from)):
        customers, n = set(part.customers), facts.mrr_measures(part, start, end)[0]
        here = {
            kind: [
                (customer, mrr) for day, customer, mrr in found[kind] if start <= day < end and customer in customers
            ]
            for kind in ("requested", "withdrawn", "effective", "downgrade", "upgrade", "free")
        }
        row = dict(six)
        for kind in ("requested", "withdrawn", "effective"):
            row[f"cancellations_{kind}"] = len(here[kind])
        for kind in ("downgrade", "upgrade"):
            row[f"{kind}_customers"] = len({customer for customer, _ in here[kind]})
            row[f"{kind}_mrr"] = money(sum((mrr for _, mrr in here[kind]), ZERO))
        row["paid_to_free_customers"] = len({customer for customer, _ in here["free"]})
        result.append(row | {"churned_customers": n["churn"], "churn_rate": rate(n["churn"], n["opening"])})
    return result


def _trial_conversion_by_period(facts: Facts) -> list[Row]:
    result, calendar_from = [], either_from(facts.slices[0])
    trials = list(facts.trials()) if calendar_from is not None else []
    for grain in facts.settings["period_grains"] if trials else []:
        # A trial of before the first period does not begin the rows of its value either.
        calendar = facts.periods(grain, calendar_from)
        for part in facts.slices if calendar else []:
            customers = set(part.customers)
            theirs = [trial for trial in trials if trial[0] in customers and trial[1] >= calendar[0][0]]
            for start, end in calendar if part.plans is None else []:
                if not any(day < end for _, day, _, _ in theirs):
                    continue
                here = [trial for trial in theirs if start <= trial[1] < end]
                count = Counter(outcome for _, _, outcome, _ in here)
                in_time = sum(is_in_time for _, _, _, is_in_time in here)
                is_old = end - DAY + facts.settings["trial_conversion_days"] * DAY < facts.as_of
                result.append(
                    {
                        "period_grain": grain,
                        "period_start_date": start,
                        "period_end_date": end - DAY,
                        "is_complete": end <= facts.as_of,
                        "segment": part.segment,
                        "segment_value": part.value,
                        "trials_started": len(here),
                        "trials_converted": count["converted"],
                        "trials_pending": count["pending"],
                        "trials_abandoned": count["abandoned"],
                        "trials_converted_in_time": in_time,
                        "conversion_rate": rate(in_time, len(here)) if is_old else None,
                    }
                )
    return result


STAGES = ("prospect", "lapsed", "new", "reactivated", "declining", "active")


def _first_customer(facts: Facts) -> FirstDate:
    """Dates a value's first row by its first customer, in the periods of both sides."""

    def first(part: Slice) -> date | None:
        if part is facts.slices[0]:
            return either_from(part)
        days = [facts.exists_from(customer) for customer in part.customers]
        return min((day for day in days if day is not None), default=None)

    return by_attributes(cache(first))


def _lifecycle_by_period(facts: Facts) -> list[Row]:
    result = []
    for six, _, _, end, part in facts.rows(_first_customer(facts)):
        last_day = min(end, facts.as_of) - DAY
        count = Counter(facts.stages(customer).get(last_day) for customer in part.customers)
        result += [{**six, "lifecycle_stage": stage, "customers": count[stage]} for stage in STAGES]
    return result


def _lifecycle_transitions_by_period(facts: Facts) -> list[Row]:
    result = []
    for six, _, start, end, part in facts.rows(_first_customer(facts)):
        last_day = min(end, facts.as_of) - DAY
        count = Counter(
            (facts.stages(customer).get(start - DAY, "none"), facts.stages(customer).get(last_day))
            for customer in part.customers
        )
        result += [
            {**six, "from_stage": before, "to_stage": after, "customers": n}
            for (before, after), n in count.items()
            if after is not None and before != after
        ]
    return result


def _customers(facts: Facts) -> list[Row]:
    """The columns of `customers` that reference.py does not have."""
    recency = facts.scores(lambda customer: facts.orders_of[customer][-1].day)
    frequency = facts.scores(lambda customer: len(facts.orders_of[customer]))
    monetary = facts.scores(lambda customer: sum(order.revenue for order in facts.booked_of[customer]))
    names: dict[Any, str] = {
        (int(row["recency_score"]), int(row["frequency_score"])): row["rfm_segment"] for row in seed("rfm_segments")
    }
    result = []
    for customer in facts.customers:
        risks = facts.risks(customer)
        active_days = [
            day for who, day, events in facts.activity if who == customer and day < facts.as_of and events > 0
        ]
        result.append(
            {
                "customer_id": customer,
                "lifecycle_stage": facts.stages(customer).get(facts.as_of - DAY, "prospect"),
                "is_at_risk": bool(risks),
                "risk_reasons": ", ".join(risks) or None,
                "trial_ends_within_72_hours": facts.trial_ends_within(customer, 72),
                "trial_ends_within_24_hours": facts.trial_ends_within(customer, 24),
                "recency_score": recency.get(customer),
                "frequency_score": frequency.get(customer),
                "monetary_score": monetary.get(customer),
                "rfm_segment": names.get((recency.get(customer), frequency.get(customer))),
                "upsell_headroom_mrr": money(facts.upsell_headroom(customer)),
                "last_activity_on": max(active_days, default=None),
                "events_last_30_days": facts.events_of(customer, 30, 0),
            }
        )
    return result
