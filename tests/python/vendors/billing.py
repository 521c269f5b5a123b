"""Small companies with many oddities, in the tables of Chargebee and Recurly, and the raw rows that they must become.

A story is what happened to a subscription, step by step. The vendor's rows are drawn from it, with delays, noise and
gaps; the raw rows are read off the same story instant by instant, in plain Python. Neither is made from the other.
"""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import duckdb

NOW = datetime(2024, 7, 1)
FIRST_DAY = datetime(2023, 1, 2)
Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """What a subscription is for: a price that `list_price` may differ from, and how many."""

    price: Decimal
    quantity: int


@dataclass
class State:
    """A subscription at an instant."""

    live: bool = False
    activated: datetime | None = None
    trial: tuple[datetime, datetime] | None = None
    in_trial: bool = False
    paused: datetime | None = None
    due: datetime | None = None
    asked: datetime | None = None
    ends: datetime | None = None  # ended, or scheduled to
    reason: str | None = None
    items: dict[str, Item] = field(default_factory=dict)


@dataclass(frozen=True)
class Coupon:
    """A discount of a customer or subscription from an instant on: a percentage, or an amount off."""

    id: str
    given: datetime
    until: datetime | None
    is_amount: bool
    value: Decimal
    only: str | None = None  # the one item that it is for


@dataclass
class Story:
    """A subscription's states, each from an instant on."""

    id: str
    customer: str
    states: list[tuple[datetime, State]] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    has_history: bool = True

    def at(self, instant: datetime) -> State:
        """The state at an instant."""
        return next((state for since, state in reversed(self.states) if since <= instant), State())

    def then(self, instant: datetime, **changes: Any) -> None:
        """Something happens."""
        state = deepcopy(self.states[-1][1]) if self.states else State()
        for name, value in changes.items():
            assert hasattr(state, name)
            setattr(state, name, value)
        self.states.append((instant, state))

    def then_unchanged(self, instant: datetime) -> None:
        """A state more, though nothing of it is new: what it is about stands elsewhere."""
        if self.states[0][0] < instant:
            self.states.append((instant, deepcopy(self.at(instant))))
            self.states.sort(key=lambda step: step[0])

    def instants(self) -> set[datetime]:
        """When anything changes, or is scheduled to."""
        found = {since for since, _ in self.states}
        for _, state in self.states:
            found |= {moment for moment in (state.ends, *(state.trial or ())) if moment}
        return found | {moment for coupon in self.coupons for moment in (coupon.given, coupon.until) if moment}


def status_at(state: State, instant: datetime) -> str | None:
    """The raw status; None where there is no row."""
    if not state.live or (state.ends and instant >= state.ends):
        return None
    if state.trial and instant < state.trial[1]:
        return "trialing"
    if state.in_trial:
        return None
    if state.paused:
        return "paused"
    return "past_due" if state.due else "active"


def percent_off(coupons: list[Coupon], item: str, total: Decimal, own: Decimal) -> Fraction:
    """Discounts together: amounts off first, percentages of the rest."""
    amounts = sum(
        (Fraction(coupon.value) / Fraction(own if coupon.only else total) for coupon in coupons if coupon.is_amount),
        Fraction(0),
    )
    rest = max(1 - amounts, Fraction(0))
    for coupon in coupons:
        if not coupon.is_amount:
            rest *= 1 - Fraction(coupon.value) / 100
    return 100 * (1 - rest)


def rounded(number: Fraction, places: int) -> Decimal:
    """Half up."""
    quotient = Decimal(number.numerator) / Decimal(number.denominator)
    return quotient.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def raw_plan(plan_id: str, price: Decimal, currency: str, interval: str, count: int) -> Row:
    """A row of the raw table plans, without names."""
    return {
        "plan_id": plan_id,
        "price": price,
        "currency": currency,
        "billing_interval": interval,
        "billing_interval_count": count,
    }


@dataclass
class Company:
    """Stories, and how their vendor names and shares things."""

    stories: list[Story]
    interval: Callable[[str], tuple[str, int]]  # that an item is billed by
    raw_ids: Callable[[Story, str, Item], tuple[str, str]]  # of the raw subscription and plan
    share_by_customer: bool
    listed: list[Row]  # the vendor's prices as raw plans

    def months(self, name: str) -> int:
        """Of the interval of an item."""
        unit, count = self.interval(name)
        return count * {"month": 1, "year": 12}[unit]

    def raw_plans(self) -> list[Row]:
        """The listed prices, and those that a story has besides."""
        plans = {row["plan_id"]: row for row in self.listed}
        for story in self.stories:
            for _, state in story.states:
                for name, item in state.items.items():
                    plan_id = self.raw_ids(story, name, item)[1]
                    plan = raw_plan(plan_id, item.price, "USD", *self.interval(name))
                    plans.setdefault(plan_id, plan)
        return list(plans.values())

    def moments(self, stories: list[Story], instant: datetime) -> Iterator[tuple[Story, State, str, str, Fraction]]:
        """Of each item that is live at an instant: story, state, status, item and discount."""
        live = [(story, story.at(instant)) for story in stories]
        statuses = {story.id: status_at(state, instant) for story, state in live}
        for story, state in live:
            status = statuses[story.id]
            if status is None:
                continue
            sharing = [
                other
                for other, _ in live
                if other is story or (self.share_by_customer and statuses[other.id] == status)
            ]
            total = sum(
                (item.price * item.quantity for other in sharing for item in other.at(instant).items.values()),
                Decimal(0),
            )
            for name, item in state.items.items():
                coupons = [
                    coupon
                    for coupon in story.coupons
                    if coupon.given <= instant and (coupon.until is None or instant < coupon.until)
                    if coupon.only in (None, name)
                ]
                own = item.price * item.quantity
                yield story, state, status, name, percent_off(coupons, name, total, own)

    def by_customer(self) -> list[list[Story]]:
        """Stories, together by customer."""
        customers: dict[str, list[Story]] = {}
        for story in self.stories:
            customers.setdefault(story.customer, []).append(story)
        return list(customers.values())

    def raw_subscriptions(self) -> list[Row]:
        """The raw rows, by reading the stories between any two instants at which anything changes."""
        rows: list[Row] = []
        for stories in self.by_customer():
            instants = sorted(set().union(*(story.instants() for story in stories)))
            for begin, end in zip(instants, [*instants[1:], None]):
                for story, state, status, name, percent in self.moments(stories, begin):
                    item = state.items[name]
                    subscription_id, plan_id = self.raw_ids(story, name, item)
                    rows.append(
                        {
                            "subscription_id": subscription_id,
                            "customer_id": story.customer,
                            "plan_id": plan_id,
                            "status": status,
                            "quantity": item.quantity,
                            "discount_percent": rounded(percent, 10),
                            "started_at": begin,
                            "ended_at": end,
                            "cancel_requested_at": state.asked if story.has_history else None,
                            "end_reason": None,
                            "story": story,
                        }
                    )
        return self.with_ends(self.merged(rows))

    def merged(self, rows: list[Row]) -> list[Row]:
        """Neighbours with equal terms are one stretch."""
        merged: list[Row] = []
        timeless = ("started_at", "ended_at")
        for row in sorted(rows, key=lambda row: (row["subscription_id"], row["started_at"])):
            last = merged[-1] if merged else None
            if (
                last
                and last["ended_at"] == row["started_at"]
                and all(last[name] == row[name] for name in row if name not in timeless)
            ):
                last["ended_at"] = row["ended_at"]
            else:
                merged.append(dict(row))
        return merged

    def with_ends(self, rows: list[Row]) -> list[Row]:
        """What is told of an end stands in the last stretch before it."""
        for row in rows:
            story: Story = row.pop("story")
            for since, state in story.states:
                if not state.live and since == row["ended_at"] and story.at(since - timedelta(seconds=1)).live:
                    row["end_reason"] = state.reason
                    row["cancel_requested_at"] = row["cancel_requested_at"] or state.asked
            if not story.has_history and row["cancel_requested_at"] is None:
                asked = story.states[-1][1].asked
                if asked and (row["ended_at"] is None or asked < row["ended_at"]):
                    row["cancel_requested_at"] = asked
        return rows

    def mrr(self, instant: datetime) -> Decimal:
        """MRR at the left limit of an instant."""
        total = Decimal(0)
        for stories in self.by_customer():
            for _, state, status, name, percent in self.moments(stories, instant - timedelta(microseconds=1)):
                if status in ("active", "past_due"):
                    item = state.items[name]
                    monthly = Fraction(item.price) * item.quantity * (1 - percent / 100) / self.months(name)
                    total += rounded(monthly, 6)
        return total


# What becomes of a subscription: one step after another, some days apart.

INVOLUNTARY = ["not_paid", "no_card", "fraud_review_failed", "non_compliant_customer"]
CODES = ["Too expensive", "Not using", "cancellation_requested"]


def later(rng: random.Random, instant: datetime, days: tuple[int, int]) -> datetime:
    """Some days later, at some time of the day."""
    return instant + timedelta(days=rng.randint(*days), seconds=rng.randint(0, 86_399))


@dataclass
class Walk:
    """Steps of one story; `change_items` and `reasons` are the vendor's."""

    rng: random.Random
    story: Story
    change_items: Callable[[random.Random, dict[str, Item]], dict[str, Item]]
    voluntary: list[str]
    involuntary: list[str]
    has_dues: bool
    asks_while_paused: bool
    comes_back: bool

    def take(self, start: datetime, items: dict[str, Item]) -> Story:
        """The whole story, until NOW."""
        rng, story = self.rng, self.story
        trial = (start, start + timedelta(days=14)) if rng.random() < 0.4 else None
        activated = None if trial else start
        story.then(start, live=True, items=items, trial=trial, in_trial=trial is not None, activated=activated)
        instant = later(rng, start, (3, 40))
        while True:
            state = story.states[-1][1]
            if state.in_trial and state.trial and state.ends is None and instant >= state.trial[1]:
                if state.trial[1] >= NOW:
                    break
                story.then(state.trial[1], in_trial=False, activated=state.trial[1])
                instant = max(instant, state.trial[1] + timedelta(days=1))
            elif state.ends and instant >= state.ends:
                if state.ends >= NOW:
                    break
                story.then(state.ends, live=False, reason=state.reason or rng.choice(self.voluntary))
                if not self.may_come_back(state.ends):
                    break
                instant = story.states[-1][0] + timedelta(days=3)
            if instant >= NOW:
                break
            if not self.step(instant):
                break
            instant = later(rng, max(instant, story.states[-1][0]), (3, 50))
        return story

    def may_come_back(self, ended: datetime) -> bool:
        """A subscription may be reactivated, some time after its end."""
        back = later(self.rng, ended, (5, 60))
        if not (self.comes_back and self.story.has_history and self.rng.random() < 0.5 and back < NOW):
            return False
        cleared = dict.fromkeys(("asked", "ends", "reason", "paused", "due"))
        self.story.then(back, live=True, activated=back, in_trial=False, **cleared)
        return True

    def step(self, instant: datetime) -> bool:
        """Something that may happen now; False where it was the last."""
        rng, story = self.rng, self.story
        state = story.states[-1][1]
        simple = not story.has_history
        choices = ["cancel", "fail"] if state.asked is None else ["nothing"]
        if state.asked is None and (self.asks_while_paused or not state.paused):
            choices += ["ask", "ask"]
        if not simple:
            choices += ["items"] * 8 + (["withdraw"] if state.asked else [])
        if not state.in_trial and state.asked is None:
            choices += ["resume"] * 8 if state.paused else [] if state.due else ["pause"] * 2
            if self.has_dues and not state.paused:
                choices += ["paid"] * 6 if state.due and not simple else [] if state.due else ["due"] * 2
        match rng.choice(choices):
            case "items":
                story.then(instant, items=self.change_items(rng, state.items))
            case "ask":
                ends = state.trial[1] if state.in_trial and state.trial else later(rng, instant, (2, 30))
                story.then(instant, asked=instant, ends=ends)
            case "withdraw":
                story.then(instant, asked=None, ends=None)
            case "cancel":
                story.then(instant, live=False, asked=instant, ends=instant, reason=rng.choice(self.voluntary))
                return self.may_come_back(instant)
            case "fail":
                story.then(instant, live=False, ends=instant, reason=rng.choice(self.involuntary))
                return self.may_come_back(instant)
            case "pause":
                story.then(instant, paused=instant)
                return not simple
            case "resume":
                story.then(instant, paused=None)
            case "due":
                story.then(instant, due=instant)
            case "paid":
                story.then(instant, due=None)
        return True


def changed_quantity(item: Item, rng: random.Random) -> Item:
    """One more or one less, at the same price."""
    return Item(item.price, max(1, item.quantity + rng.choice([-1, 1, 2])))


def write(connection: duckdb.DuckDBPyConnection, table: str, types: str, rows: list[tuple[Any, ...]]) -> None:
    """A table of the vendor's."""
    connection.execute(f"create table {table} ({types})")
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


# Chargebee

PLANS = {  # minor units
    "basic-USD-monthly": (2900, "month", 1),
    "pro-USD-monthly": (9950, "month", 1),
    "pro-USD-yearly": (99_900, "year", 1),
}
ADDONS = {"seats-USD-monthly": (500, "month", 1), "support-USD-monthly": (4000, "month", 1)}
TIERED = "storage-USD-monthly"


def chargebee_interval(item: str) -> tuple[str, int]:
    """Of an item price."""
    return ("year", 1) if item.endswith("yearly") else ("month", 1)


def chargebee_ids(story: Story, name: str, item: Item) -> tuple[str, str]:
    """The plan has the id of the subscription."""
    listed = {**PLANS, **ADDONS}.get(name)
    is_listed = listed is not None and item.price == Decimal(listed[0]) / 100
    plan_id = name if is_listed else f"{name}@{item.price.normalize():f}"
    return story.id if name in PLANS else f"{story.id}/{name}", plan_id


def chargebee_items(rng: random.Random, items: dict[str, Item]) -> dict[str, Item]:
    """Another plan, other seats, add-ons more or less."""
    items = dict(items)
    plan = next(name for name in items if name in PLANS)
    match rng.choice(["plan", "seats", "seats", "price", "addon", "addon"]):
        case "plan":
            bought = items.pop(plan)
            other = rng.choice([name for name in PLANS if name != plan])
            items = {other: Item(Decimal(PLANS[other][0]) / 100, bought.quantity), **items}
        case "seats":
            items[plan] = changed_quantity(items[plan], rng)
        case "price":
            items[plan] = Item(Decimal(rng.choice([2500, 7000, 8833])) / 100, items[plan].quantity)
        case "addon":
            addon = rng.choice([*ADDONS, TIERED])
            if addon in items:
                del items[addon]
            elif addon == TIERED:
                items[addon] = Item(Decimal(rng.choice([1200, 3650])) / 100, 1)
            else:
                items[addon] = Item(
                    Decimal(ADDONS[addon][0]) / 100, 1 if addon.startswith("support") else rng.randint(1, 9)
                )
    return items


def chargebee_story(rng: random.Random, number: int) -> Story:
    """One subscription; each eighth has no events."""
    plan = rng.choice(list(PLANS))
    story = Story(f"sub{number}", f"c{number % 50}", has_history=number % 8 != 0)
    start = later(rng, FIRST_DAY, (0, 500))
    items = {plan: Item(Decimal(PLANS[plan][0]) / 100, rng.randint(1, 5))}
    if rng.random() < 0.3:
        items["seats-USD-monthly"] = Item(Decimal("5"), 3)
    Walk(rng, story, chargebee_items, CODES, INVOLUNTARY, has_dues=True, asks_while_paused=True, comes_back=True).take(
        start, items
    )
    given = start
    if rng.random() < 0.5 and story.has_history:
        given = later(rng, start, (20, 60))
        story.then_unchanged(given)
    until = given + timedelta(days=90)
    if given < NOW:
        story.coupons += rng.choice(
            [
                [],
                [],
                [Coupon("TEN", given, None, False, Decimal(10))],
                [Coupon("NINE-OFF", given, None, True, Decimal(9))],
                [
                    Coupon("QUARTER", given, until, False, Decimal(25)),
                    Coupon("NINE-OFF", given, None, True, Decimal(9)),
                ],
                [Coupon("QUARTER", given, until, False, Decimal(25)), Coupon("TEN", given, None, False, Decimal(10))],
                [Coupon("SEATS-HALF", given, None, False, Decimal(50), only="seats-USD-monthly")],
                [Coupon("granted", given, until, False, Decimal("12.5"))],
                [Coupon("granted", given, None, True, Decimal("500"))],
            ]
        )
    return story


def epoch(instant: datetime | None) -> int | None:
    """Seconds since 1970, as Chargebee has instants."""
    return None if instant is None else int((instant - datetime(1970, 1, 1)).total_seconds())


def chargebee_item(rng: random.Random, name: str, item: Item) -> Row:
    """An item of a subscription: of a tiered price and of a flat fee the quantity does not tell the amount."""
    amount = int(item.price * item.quantity * 100)
    row: Row = {"item_price_id": name, "item_type": "plan" if name in PLANS else "addon", "amount": amount}
    if name == TIERED:
        return {**row, "unit_price": 400, "quantity": 11}
    if name.startswith("support"):
        return {**row, "unit_price": amount, "quantity": 3}
    free = rng.choice([0, 0, 2])
    return {**row, "unit_price": int(item.price * 100), "quantity": item.quantity + free, "free_quantity": free}


def chargebee_snapshot(rng: random.Random, story: Story, state: State, instant: datetime, version: int) -> Row:
    """The subscription as Chargebee shows it at an instant."""
    is_over = not state.live
    reason = state.reason if is_over else None
    held = [coupon for coupon in story.coupons if coupon.given <= instant]
    status = "cancelled" if is_over else "in_trial" if state.in_trial else "paused" if state.paused else "active"
    items = [chargebee_item(rng, name, item) for name, item in state.items.items()]
    rng.shuffle(items)
    snapshot = {
        "id": story.id,
        "customer_id": story.customer,
        "status": "non_renewing" if status == "active" and state.asked else status,
        "deleted": False,
        "resource_version": version,
        "started_at": epoch(story.states[0][0]),
        "activated_at": epoch(state.activated),
        "trial_start": epoch(state.trial and state.trial[0]),
        "trial_end": epoch(state.trial and state.trial[1]),
        "pause_date": epoch(state.paused),
        "current_term_end": epoch(instant + timedelta(days=20)),
        "cancelled_at": epoch(state.ends),
        "cancel_schedule_created_at": epoch(None if state.asked == state.ends else state.asked),
        "cancel_reason": reason if reason in INVOLUNTARY else None,
        "cancel_reason_code": None if reason in [*INVOLUNTARY, "cancellation_requested"] else reason,
        "due_invoices_count": 1 if state.due else 0,
        "due_since": epoch(state.due),
        "currency_code": "usd",
        "subscription_items": [
            *items,
            {
                "item_price_id": "setup-USD",
                "item_type": "charge",
                "unit_price": 50_000,
                "quantity": 1,
                "amount": 50_000,
            },
        ],
        "coupons": [
            {"coupon_id": coupon.id, "apply_till": epoch(coupon.until)} for coupon in held if coupon.id != "granted"
        ]
        + [{"coupon_id": "WELCOME"}, {"coupon_id": "unknown"}],
        "discounts": [
            {
                "type": "fixed_amount" if coupon.is_amount else "percentage",
                "percentage": None if coupon.is_amount else float(coupon.value),
                "amount": int(coupon.value * 100) if coupon.is_amount else None,
                "duration_type": "limited_period" if coupon.until else "forever",
                "included_in_mrr": True,
                "created_at": epoch(coupon.given),
                "apply_till": epoch(coupon.until),
            }
            for coupon in held
            if coupon.id == "granted"
        ]
        + [{"type": "percentage", "percentage": 99, "duration_type": "one_time", "included_in_mrr": False}],
    }
    return {name: held for name, held in snapshot.items() if held is not None}


def has_own_instant(before: State | None, state: State) -> bool:
    """Whether what is new in a state has an instant of its own, so that the vendor may tell of it late."""
    return before is not None and (
        before.live > state.live
        or (before.paused is None and state.paused is not None)
        or (before.due is None and state.due is not None)
        or before.in_trial > state.in_trial
        or before.activated != state.activated
    )


def told(
    rng: random.Random, story: Story, has_own: Callable[[State | None, State], bool]
) -> Iterator[tuple[datetime, datetime, State]]:
    """When the vendor tells a state, as of when, and the state; between two of them sometimes noise."""
    for number, (since, state) in enumerate(story.states):
        before = story.states[number - 1][1] if number else None
        yield since + timedelta(seconds=rng.randint(0, 7200) if has_own(before, state) else 0), since, state
        until = story.states[number + 1][0] if number + 1 < len(story.states) else NOW
        if until - since > timedelta(days=2) and rng.random() < 0.5:
            noise = since + timedelta(hours=12, seconds=rng.randint(0, 86_400))
            yield noise, noise, state


def chargebee(connection: duckdb.DuckDBPyConnection, schema: str, seed: int = 1) -> Company:
    """A company in Chargebee's tables, as Airbyte loads them: JSON as text, some rows twice."""
    rng = random.Random(seed)
    stories = [chargebee_story(rng, number) for number in range(160)]
    listed = [
        raw_plan(name, Decimal(price) / 100, "USD", unit, count)
        for name, (price, unit, count) in {**PLANS, **ADDONS}.items()
    ]
    listed += [raw_plan(TIERED, Decimal(0), "USD", "month", 1), raw_plan("pro-JPY", Decimal(9950), "JPY", "month", 1)]
    listed += [raw_plan("pro-KWD", Decimal("9.95"), "KWD", "week", 2)]
    company = Company(stories, chargebee_interval, chargebee_ids, share_by_customer=False, listed=listed)
    events: list[tuple[Any, ...]] = []
    rows: list[Row] = []
    for story in stories:
        told_states = list(told(rng, story, has_own_instant))
        for number, (seen, since, state) in enumerate(told_states):
            snapshot = chargebee_snapshot(rng, story, state, since, number)
            if story.has_history:
                event = (f"ev_{story.id}_{number}", epoch(seen), json.dumps({"subscription": snapshot, "customer": {}}))
                events += [event, event] if rng.random() < 0.1 else [event]
        mrr = Company([story], chargebee_interval, chargebee_ids, False, []).mrr(NOW)
        rows.append({**snapshot, "updated_at": epoch(told_states[-1][0]), "mrr": int(mrr * 100)})
    first = {"customer_id": "c1", "currency_code": "USD", "subscription_items": rows[0]["subscription_items"]}
    rows.append({**first, "id": "tomorrow", "status": "future", "start_date": epoch(NOW + timedelta(days=1))})
    rows.append({**rows[1], "id": "gone", "deleted": True})
    rng.shuffle(events)
    connection.execute(f"create schema {schema}")
    write(connection, f"{schema}.event", "id text, occurred_at bigint, content text", events)
    names = sorted(set().union(*rows))
    nested = {"subscription_items": "json", "coupons": "json", "discounts": "json"}
    texts = {"id", "customer_id", "status", "currency_code", "cancel_reason", "cancel_reason_code"}
    types = ", ".join(
        f"{name} {nested.get(name) or ('text' if name in texts else 'boolean' if name == 'deleted' else 'bigint')}"
        for name in names
    )
    write(
        connection,
        f"{schema}.subscription",
        f"{types}, _airbyte_extracted_at timestamptz",
        [(*(json.dumps(row.get(name)) if name in nested else row.get(name) for name in names), NOW) for row in rows],
    )
    prices: list[tuple[Any, ...]] = [
        (name, name.split("-")[0], "plan" if name in PLANS else "addon", price, "USD", unit, count)
        for name, (price, unit, count) in {**PLANS, **ADDONS}.items()
    ]
    prices += [
        (TIERED, "storage", "addon", None, "USD", "month", 1),
        ("setup-USD", "setup", "charge", 50_000, "USD", None, None),
        ("pro-JPY", "pro", "plan", 9950, "JPY", "month", 1),
        ("pro-KWD", "pro", "plan", 9950, "KWD", "week", 2),
    ]
    types = "id text, item_id text, item_type text, price bigint, currency_code text, period_unit text, period bigint"
    write(connection, f"{schema}.item_price", types, prices)
    write(connection, f"{schema}.item", "id text, name text", [("pro", "Professional")])
    types = "id text, discount_type text, discount_percentage double, discount_amount bigint, currency_code text, "
    types += "duration_type text, apply_on text, item_constraints text"
    for_seats = json.dumps(
        [
            {"item_type": "plan", "constraint": "none"},
            {"item_type": "addon", "constraint": "specific", "item_price_ids": ["seats-USD-monthly"]},
        ]
    )
    coupons = [
        ("TEN", "percentage", 10.0, None, None, "forever", "invoice_amount", None),
        ("QUARTER", "percentage", 25.0, None, None, "limited_period", "invoice_amount", None),
        ("NINE-OFF", "fixed_amount", None, 900, "USD", "forever", "invoice_amount", None),
        ("SEATS-HALF", "percentage", 50.0, None, None, "forever", "each_specified_item", for_seats),
        ("WELCOME", "percentage", 40.0, None, None, "one_time", "invoice_amount", None),
    ]
    write(connection, f"{schema}.coupon", types, coupons)
    customers: list[tuple[Any, ...]] = [
        (
            f"c{number}",
            epoch(FIRST_DAY),
            json.dumps({"country": "de"}) if number % 2 else None,
            f"c{number}@example.com",
            False,
        )
        for number in range(49)
    ]
    customers += [("removed", epoch(FIRST_DAY), None, None, True), customers[0]]
    types = "id text, created_at bigint, billing_address text, email text, deleted boolean"
    write(connection, f"{schema}.customer", types, customers)
    return company


# Recurly

CODES_OF_PLANS = {"silver": (Decimal("9.5"), 1), "gold": (Decimal("29"), 1), "platinum": (Decimal("600"), 12)}
VOLUNTARY = ["canceled", "non renewing"]
NONPAYMENT = ["nonpayment", "tax_location_invalid"]


def recurly_interval(item: str) -> tuple[str, int]:
    """Of a plan and its add-ons."""
    return "month", CODES_OF_PLANS[item.removesuffix("/add_ons")][1]


def recurly_ids(story: Story, name: str, item: Item) -> tuple[str, str]:
    """All add-ons are one."""
    if name.endswith("/add_ons"):
        return f"{story.id}/add_ons", f"{name}@{item.price.normalize():f}"
    is_listed = item.price == CODES_OF_PLANS[name][0]
    return story.id, name if is_listed else f"{name}@{item.price.normalize():f}"


def recurly_items(rng: random.Random, items: dict[str, Item]) -> dict[str, Item]:
    """Another plan, quantity or price, add-ons more or less."""
    items = dict(items)
    plan = next(name for name in items if name in CODES_OF_PLANS)
    match rng.choice(["plan", "quantity", "price", "add_ons"]):
        case "plan":
            other = rng.choice([name for name in CODES_OF_PLANS if name != plan])
            items = {name.replace(plan, other): item for name, item in items.items()}
            items[other] = Item(CODES_OF_PLANS[other][0], items[other].quantity)
        case "quantity":
            items[plan] = changed_quantity(items[plan], rng)
        case "price":
            items[plan] = Item(Decimal(rng.choice(["8.25", "27.5", "100"])), items[plan].quantity)
        case "add_ons":
            if f"{plan}/add_ons" in items:
                del items[f"{plan}/add_ons"]
            else:
                items[f"{plan}/add_ons"] = Item(Decimal(rng.choice(["12", "7.77"])), 1)
    return items


def recurly(connection: duckdb.DuckDBPyConnection, schema: str, seed: int = 2) -> Company:
    """A company in Recurly's tables, as Fivetran loads them: a row per version, money in doubles."""
    rng = random.Random(seed)
    stories = []
    for number in range(120):
        plan = rng.choice(list(CODES_OF_PLANS))
        story = Story(f"r{number}", f"a{number % 60}")
        walk = Walk(
            rng, story, recurly_items, VOLUNTARY, NONPAYMENT, has_dues=False, asks_while_paused=False, comes_back=False
        )
        start = later(rng, FIRST_DAY, (0, 500))
        stories.append(walk.take(start, {plan: Item(CODES_OF_PLANS[plan][0], rng.randint(1, 4))}))
    redemptions: list[tuple[Any, ...]] = []
    listed = [raw_plan(code, price, "USD", "month", months) for code, (price, months) in CODES_OF_PLANS.items()]
    listed.append(raw_plan("gold/EUR", Decimal(27), "EUR", "month", 1))
    company = Company(stories, recurly_interval, recurly_ids, share_by_customer=True, listed=listed)
    for own in company.by_customer():
        given = later(rng, FIRST_DAY, (0, 300))
        removed = given + timedelta(days=120)
        coupons = rng.choice(
            [
                [],
                [Coupon("fifth", given, removed, False, Decimal(20))],
                [Coupon("nine", given, None, True, Decimal(9))],
                [Coupon("nine", given, removed, True, Decimal(9)), Coupon("fifth", given, None, False, Decimal(20))],
            ]
        )
        for coupon in coupons:
            redemption = (f"{own[0].customer}-{coupon.id}", given, own[0].customer, coupon.id, given, None, "active")
            redemptions.append(redemption)
            if coupon.until:
                redemptions.append((redemption[0], removed, *redemption[2:5], removed, "inactive"))
        for story in own:
            story.coupons = coupons
    versions: list[tuple[Any, ...]] = []
    for story in stories:
        period = story.states[0][0]
        before: State | None = None
        for seen, since, state in told(
            rng,
            story,
            lambda before, state: (
                has_own_instant(before, state)
                or bool(before and ((before.paused and not state.paused) or (state.asked and not before.asked)))
            ),
        ):
            resumed = before is not None and before.paused is not None and state.paused is None
            if resumed or (before is not None and before.in_trial > state.in_trial):
                period = since
            plan = next(name for name in state.items if name in CODES_OF_PLANS)
            item, add_ons = state.items[plan], state.items.get(f"{plan}/add_ons")
            extra = add_ons.price if add_ons else Decimal(0)
            shown = (
                "expired" if not state.live else "canceled" if state.asked else "paused" if state.paused else "active"
            )
            coming = next((then.paused for when, then in story.states if when > since and then.paused), None)
            versions.append(
                (
                    story.id, story.customer, f"id-{plan}", shown, story.states[0][0], seen, story.states[0][0],
                    state.asked, state.ends, state.paused or coming, *(state.trial or (None, None)), period,
                    None if state.live else state.reason, "USD", float(item.price), item.quantity, float(extra),
                    float(item.price * item.quantity + extra), NOW,
                )
            )  # fmt: skip
            before = state
    never = ("never", "a1", "id-gold", "failed", NOW, NOW, *[None] * 7, None, "USD", 29.0, 1, 0.0, 29.0, NOW)
    versions += [never, ("soon", "a1", "id-gold", "future", *never[4:])]
    rng.shuffle(versions)
    connection.execute(f"create schema {schema}")
    types = "id text, account_id text, plan_id text, state text, created_at timestamp, updated_at timestamp, "
    types += "activated_at timestamp, canceled_at timestamp, expires_at timestamp, paused_at timestamp, "
    types += "trial_started_at timestamp, trial_ends_at timestamp, current_period_started_at timestamp, "
    types += "expiration_reason text, currency text, unit_amount double, quantity bigint, add_ons_total double, "
    types += "subtotal double, _fivetran_synced timestamptz"
    write(connection, f"{schema}.subscription_history", types, versions)
    moments = [FIRST_DAY, FIRST_DAY + timedelta(days=200)]
    accounts = [
        (f"a{number}", FIRST_DAY, moment, "FR" if moment == moments[1] else "DE", f"a{number}@example.com")
        for number in range(60)
        for moment in moments
    ]
    types = "id text, created_at timestamp, updated_at timestamp, account_country text, email text"
    write(connection, f"{schema}.account_history", types, accounts)
    plans = [
        (f"id-{code}", moment, code, code.title(), "months", months)
        for code, (_, months) in CODES_OF_PLANS.items()
        for moment in moments
    ]
    types = "id text, updated_at timestamp, code text, name text, interval_unit text, interval_length bigint"
    write(connection, f"{schema}.plan_history", types, plans)
    prices = [
        (f"id-{code}", moment, "USD", float(price) + (moment == moments[0]))
        for code, (price, _) in CODES_OF_PLANS.items()
        for moment in moments
    ]
    prices.append(("id-gold", moments[1], "EUR", 27.0))
    types = "plan_id text, plan_updated_at timestamp, currency text, unit_amount double"
    write(connection, f"{schema}.plan_currency_history", types, prices)
    types = (
        "id text, updated_at timestamp, account_id text, coupon_id text, created_at timestamp, removed_at timestamp, "
    )
    write(connection, f"{schema}.coupon_redemption_history", f"{types} state text", redemptions)
    discounts = [
        ("fifth", "percent", 20.0, None, None),
        ("nine", "fixed", None, 9.0, "USD"),
        ("nine", "fixed", None, 8.0, "EUR"),
    ]
    types = "coupon_id text, type text, percentage double, amount double, currency text"
    write(connection, f"{schema}.coupon_discount", types, discounts)
    return company
