"""A small company in Stripe's tables as Fivetran loads them, and the raw tables that must be read from them.

A story says what happens to a subscription. Two readers tell it, and share nothing but the calendar: `Stripe` lives it
from tick to tick and writes down what Stripe and Fivetran would (versions, items, invoices, charges), and `Truth` asks
the story at each tick what holds, as the raw tables have it. What Stripe gives no instant of, such as a failed payment,
begins when the loader has seen it, a tick later, which is often the next day.
"""

import calendar
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

import duckdb

Row = dict[str, Any]

TICK = timedelta(hours=6)
LOADED_AT = datetime(2024, 7, 1)
# Price: product, minor units (text, as Stripe has it), interval, what kind of price, units in a package.
PRICES: dict[str, tuple[str, str, str, str, int]] = {
    "price_basic": ("Basic", "2900", "month", "plain", 0),
    "price_seat": ("Team", "1000", "month", "plain", 0),
    "price_half_cent": ("Calls", "0.5", "month", "plain", 0),
    "price_with_tax": ("Basic", "1200", "month", "with tax", 0),  # a fifth on top of 10 is tax
    "price_usage": ("Calls", "3", "month", "metered", 0),
    "price_tiers": ("Storage", "700", "month", "tiered", 0),
    "price_packages": ("Mails", "500", "month", "packages", 100),
    "price_free": ("Basic", "0", "month", "plain", 0),
    "price_year": ("Basic", "12000", "year", "plain", 0),
    "plan_old": ("Basic", "2500", "month", "plan", 0),
}
# Coupon: duration, months, per cent, minor units off.
COUPONS: dict[str, tuple[str, int, str, int]] = {
    "quarter": ("forever", 0, "25", 0),
    "third": ("repeating", 3, "33.33", 0),
    "nine": ("forever", 0, "", 900),
    "huge": ("repeating", 2, "", 999900),
    "first_invoice": ("once", 0, "50", 0),
}
# Kinds of events that leave no instant of their own: they begin when the loader has seen them.
SEEN_LATE = {"confirm", "pause", "resume", "fail", "recover", "unpaid", "keep"}


@dataclass
class Event:
    """Something that happens to a subscription: see `Stripe.happen` for the kinds."""

    at: datetime
    kind: str
    item: str = ""
    price: str = ""
    quantity: int = 0
    coupon: str = ""
    is_prorated: bool = True

    @property
    def holds_from(self) -> datetime:
        """From when on the raw tables can know it."""
        return self.at + TICK if self.kind in SEEN_LATE else self.at


@dataclass
class Story:
    """A subscription and what happens to it. It starts at noon; nothing else happens at noon."""

    id: str
    customer: str
    start: datetime
    items: dict[str, tuple[str, int]]
    interval: str = "month"
    trial_days: int = 0
    coupons: list[str] = field(default_factory=list)
    is_incomplete: bool = False
    is_live: bool = True
    events: list[Event] = field(default_factory=list)

    @property
    def trial_end(self) -> datetime:
        """The start where there is no trial."""
        return self.start + timedelta(days=self.trial_days)

    def item_id(self, item: str) -> str:
        """The id that Stripe gives an item."""
        return f"{item}_of_{self.id}"

    def period_ends(self) -> Iterator[datetime]:
        """When invoices are due after the start: first at the end of the trial, if there is one."""
        if self.trial_days:
            yield self.trial_end
        for number in range(1, 1000):
            yield add_months(self.trial_end, number * (12 if self.interval == "year" else 1))

    def period_end_after(self, instant: datetime) -> datetime:
        """The first end of a period after an instant."""
        return next(end for end in self.period_ends() if end > instant)


def add_months(instant: datetime, months: int) -> datetime:
    """So many months later, on the last day of the month where there is no such day."""
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    return instant.replace(year=year, month=month + 1, day=min(instant.day, calendar.monthrange(year, month + 1)[1]))


def cents(text: str) -> Decimal:
    """Minor units in major ones."""
    return Decimal(text) / 100


class Truth:
    """What the raw tables must say of a story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.end, self.is_failure = self.find_end()
        self.billed = {id(event): self.first_billed(event) for event in story.events if event.item}

    def find_end(self) -> tuple[datetime | None, bool]:
        """When the subscription ends, planned ends included, and whether because nobody paid."""
        planned = None
        for event in self.story.events:
            if planned and event.at >= planned:
                break
            if event.kind in ("cancel_now", "give_up", "expire"):
                return event.at, event.kind == "give_up"
            if event.kind == "cancel_later":
                planned = self.story.period_end_after(event.at)
            if event.kind == "keep":
                planned = None
        is_unpaid = [event.kind for event in self.story.events if event.kind in ("unpaid", "recover")][-1:] == [
            "unpaid"
        ]
        return planned, is_unpaid

    def status(self, instant: datetime) -> str | None:
        """The status of the subscription, none where it has no row."""
        story = self.story
        if instant < story.start or (self.end and instant >= self.end):
            return None
        if instant < story.trial_end:
            return "trialing"
        if story.trial_end > LOADED_AT:
            return None
        status: str | None = None if story.is_incomplete else "active"
        becomes = {
            "confirm": "active", "pause": "paused", "resume": "active", "fail": "past_due", "recover": "active",
            "unpaid": None,
        }  # fmt: skip
        for event in story.events:
            if event.kind in becomes and event.holds_from <= instant:
                status = becomes[event.kind]
        return status

    def is_billing(self, instant: datetime) -> bool:
        """Whether Stripe bills what is due then: not while collection is paused or given up."""
        kinds = [event.kind for event in self.story.events if event.at <= instant]
        return [kind for kind in kinds if kind in ("pause", "resume")][-1:] != ["pause"] and [
            kind for kind in kinds if kind in ("unpaid", "recover")
        ][-1:] != ["unpaid"]

    def first_billed(self, event: Event) -> datetime:
        """When the first invoice says what a change of an item made; never, if not before the tables are loaded."""
        changes = [other for other in self.story.events if other.item == event.item and other.at >= event.at]
        at_once = [other.at for other in changes if other.is_prorated and other.at >= self.story.trial_end]
        ends = (end for end in self.story.period_ends() if end > event.at)
        first = min([*at_once, next((end for end in ends if self.is_billing(end)), datetime.max)])
        return first if first < LOADED_AT else datetime.max

    def terms(self, item: str, instant: datetime) -> tuple[str, int] | None:
        """Price and quantity of an item."""
        terms = self.story.items.get(item)
        for event in self.story.events:
            if event.item != item or instant < self.billed[id(event)]:
                continue
            if event.kind == "add":
                terms = (event.price, event.quantity)
            elif event.kind == "remove":
                terms = None
            elif terms:
                terms = (event.price or terms[0], event.quantity or terms[1])
        return terms

    def item_ids(self) -> dict[str, str]:
        """The raw subscription that each item is."""
        added = [event.item for event in self.story.events if event.kind == "add"]
        items = sorted(self.story.items) + added
        return {
            item: self.story.id if item == items[0] else f"{self.story.id}/{self.story.item_id(item)}" for item in items
        }

    def discount(self, instant: datetime, cost: Decimal) -> Decimal:
        """Per cent off, all items together."""
        redeemed = [(self.story.start, coupon) for coupon in self.story.coupons]
        redeemed += [(event.at, event.coupon) for event in self.story.events if event.kind == "coupon"]
        left, off = Fraction(100), 0
        for begin, coupon in redeemed:
            duration, months, percent, amount = COUPONS[coupon]
            if duration == "once" or instant < begin or (months and instant >= add_months(begin, months)):
                continue
            left *= 1 - Fraction(percent or 0) / 100
            off += amount
        discount = 100 - left + (Fraction(off) / Fraction(cost * 100) * 100 if cost else 0)
        return round_half_up(min(discount, Fraction(100)), 10)

    def request(self, instant: datetime) -> datetime | None:
        """When the customer asked for the end that is planned."""
        asked = None
        for event in self.story.events:
            if event.holds_from <= instant and event.kind in ("cancel_later", "keep"):
                asked = event.at if event.kind == "cancel_later" else None
        return asked

    def holds(self, instant: datetime) -> dict[str, Row]:
        """Of each item what a row of the raw table says, at an instant."""
        status = self.status(instant)
        if not status:
            return {}
        rows: dict[str, Row] = {}
        for item in self.item_ids():
            terms = self.terms(item, instant)
            if terms:
                rows[item] = {
                    "status": status,
                    "plan_id": plan_of(terms[0]),
                    "quantity": units_of(*terms),
                    "cancel_requested_at": self.request(instant),
                }
        cost = sum((price_of(row["plan_id"]) * row["quantity"] for row in rows.values()), Decimal(0))
        for row in rows.values():
            row["discount_percent"] = self.discount(instant, cost)
        return rows

    def stretches(self) -> list[Row]:
        """The rows of raw subscriptions: what holds at each tick, equal neighbours as one."""
        last_tick = LOADED_AT + timedelta(days=400 if self.story.interval == "year" else 100)
        ticks = [self.story.start + TICK * n for n in range((last_tick - self.story.start) // TICK)]
        known = [(tick, self.holds(tick)) for tick in ticks]
        rows = []
        for item, raw_id in self.item_ids().items():
            for terms, group in groupby(known, key=lambda pair: pair[1].get(item)):
                instants = [tick for tick, _ in group]
                if terms:
                    end = instants[-1] + TICK
                    rows.append({
                        "subscription_id": raw_id, "customer_id": self.story.customer, **terms,
                        "started_at": instants[0], "ended_at": None if end >= last_tick else end, "end_reason": None,
                    })  # fmt: skip
        over = LOADED_AT if self.end is None else self.end
        final_end = max((row["ended_at"] or last_tick for row in rows), default=None)
        for row in rows:
            if row["ended_at"] == final_end and (self.is_failure or over < LOADED_AT):
                row["end_reason"] = "payment_failed" if self.is_failure else "cancellation_requested"
                is_at_once = any(event.kind == "cancel_now" and event.at == self.end for event in self.story.events)
                if is_at_once and not row["cancel_requested_at"]:
                    row["cancel_requested_at"] = self.end
        return rows

    def mrr(self, instant: datetime) -> Decimal:
        """MRR just before an instant, each stretch rounded to millionths."""
        mrr = Decimal(0)
        for row in self.holds(instant - TICK).values():
            if row["status"] in ("active", "past_due"):
                months = 12 if "year" in row["plan_id"] else 1
                share = 1 - Fraction(row["discount_percent"]) / 100
                mrr += round_half_up(Fraction(price_of(row["plan_id"])) * row["quantity"] * share / months, 6)
        return mrr


def round_half_up(number: Fraction, digits: int) -> Decimal:
    """A number >= 0 as a decimal of so many digits."""
    return Decimal((number * 10**digits + Fraction(1, 2)).__floor__()).scaleb(-digits)


def plan_of(price: str) -> str:
    """The plan that a price is: with tax in it, one at the price without."""
    return f"{price}@10" if PRICES[price][3] == "with tax" else price


def price_of(plan: str) -> Decimal:
    """What one unit of a plan costs without tax."""
    if "@" in plan:
        return Decimal(plan.split("@")[1])
    return Decimal(0) if PRICES[plan][3] == "tiered" else cents(PRICES[plan][1])


def units_of(price: str, quantity: int) -> int:
    """How many units an item pays for in advance."""
    kind, package = PRICES[price][3:]
    if kind == "metered":
        return 0
    return -(-quantity // package) if package else quantity


class Stripe:
    """Lives stories as Stripe does, and keeps what Fivetran loads of them."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {
            "subscription_history": [], "subscription_item": [], "subscription_discount": [], "invoice": [],
            "invoice_line_item": [], "charge": [],
        }  # fmt: skip

    def live(self, story: Story) -> None:
        """Go through a subscription's life until the tables are loaded."""
        self.story = story
        self.items = {item: (price, quantity, story.start) for item, (price, quantity) in story.items.items()}
        self.period = (story.start, story.period_end_after(story.start))
        self.subscription: Row = {
            "id": story.id, "customer_id": story.customer, "livemode": story.is_live, "created": story.start,
            "start_date": story.start, "cancel_at_period_end": False, "cancel_at": None, "canceled_at": None,
            "ended_at": None, "pause_collection_behavior": None, "pause_collection_resumes_at": None,
            "trial_start": story.start if story.trial_days else None,
            "trial_end": story.trial_end if story.trial_days else None,
            "status": "incomplete" if story.is_incomplete else "trialing" if story.trial_days else "active",
        }  # fmt: skip
        for coupon in story.coupons:
            self.redeem(coupon, story.start)
        self.bill(story.start)
        self.save(story.start)
        happens = {event.at: event for event in story.events}
        tick = story.start
        while (tick := tick + TICK) < LOADED_AT - TICK and not self.subscription["ended_at"]:
            if tick in happens:
                self.happen(happens[tick])
            elif tick == self.period[1]:
                self.renew(tick)
            else:
                continue
            self.save(tick)
        for item, (price, quantity, created) in self.items.items():
            self.tables["subscription_item"].append({
                "id": story.item_id(item), "subscription_id": story.id, "plan_id": price, "created": created,
                "quantity": None if PRICES[price][3] == "metered" else quantity,
            })  # fmt: skip

    def happen(self, event: Event) -> None:
        """Do what an event of a story says."""
        subscription = self.subscription
        if event.kind in ("seats", "swap", "add", "remove"):
            self.change_items(event)
        elif event.kind == "coupon":
            self.redeem(event.coupon, event.at)
        elif event.kind == "pause":
            subscription["pause_collection_behavior"] = "void"
        elif event.kind == "resume":
            subscription["pause_collection_behavior"] = None
        elif event.kind == "cancel_later":
            subscription.update(canceled_at=event.at, cancel_at=self.period[1], cancel_at_period_end=True)
        elif event.kind == "keep":
            subscription.update(canceled_at=None, cancel_at=None, cancel_at_period_end=False)
        elif event.kind in ("cancel_now", "give_up"):
            subscription.update(canceled_at=event.at, ended_at=event.at, status="canceled")
        elif event.kind == "expire":
            subscription.update(status="incomplete_expired", ended_at=event.at)
            self.settle("void")
        elif event.kind in ("confirm", "recover"):
            subscription["status"] = "active"
            self.settle("paid")
        else:
            subscription["status"] = {"fail": "past_due", "unpaid": "unpaid"}[event.kind]

    def settle(self, status: str) -> None:
        """All open invoices of the subscription become paid or void."""
        for invoice in self.tables["invoice"]:
            if invoice["subscription_id"] == self.story.id and invoice["status"] == "open":
                invoice["status"] = status

    def renew(self, instant: datetime) -> None:
        """A period ends, and with it a trial or a subscription that was to end."""
        if self.subscription["cancel_at"] == instant:
            self.subscription.update(status="canceled", ended_at=instant)
            return
        if self.subscription["status"] == "trialing":
            self.subscription["status"] = "active"
        self.period = (instant, self.story.period_end_after(instant))
        self.bill(instant)

    def redeem(self, coupon: str, instant: datetime) -> None:
        """A coupon gives a discount, to all invoices or for some months."""
        months = COUPONS[coupon][1]
        self.tables["subscription_discount"].append({
            "id": f"di_{len(self.tables['subscription_discount'])}", "subscription_id": self.story.id,
            "coupon_id": coupon, "invoice_id": None, "invoice_item_id": None, "start": instant,
            "end": add_months(instant, months) if months else None,
        })  # fmt: skip

    def save(self, instant: datetime) -> None:
        """Fivetran sees the subscription a tick later, and closes the version before."""
        history = self.tables["subscription_history"]
        seen = instant + TICK
        if history and history[-1]["id"] == self.story.id:
            history[-1].update(_fivetran_active=False, _fivetran_end=seen - timedelta(milliseconds=1))
        history.append({
            **self.subscription, "current_period_start": self.period[0], "current_period_end": self.period[1],
            "_fivetran_start": seen, "_fivetran_end": datetime(9999, 12, 31), "_fivetran_active": True,
        })  # fmt: skip

    def change_items(self, event: Event) -> None:
        """Change an item; a proration takes the old terms back and bills the new ones, at once but in a trial."""
        before = self.items.pop(event.item, None)
        if event.kind != "remove":
            price, quantity, created = before or (event.price, event.quantity, event.at)
            self.items[event.item] = (event.price or price, event.quantity or quantity, created)
        if not event.is_prorated or self.subscription["status"] == "trialing":
            return
        lines = []
        share = (self.period[1] - event.at) / (self.period[1] - self.period[0])
        if before:
            lines.append(self.line(event.item, before[0], before[1], event.at, -share))
        if event.kind != "remove":
            price, quantity, _ = self.items[event.item]
            lines.append(self.line(event.item, price, quantity, event.at, share))
        self.invoice(event.at, lines, "subscription_update")

    def line(self, item: str, price: str, quantity: int, instant: datetime, proration: float = 0) -> Row:
        """A line about the running period, or from an instant in it to its end."""
        _, unit, _, kind, package = PRICES[price]
        is_free = self.subscription["status"] == "trialing" or kind == "metered"
        units = -(-quantity // package) if package else quantity
        amount = 0 if is_free else round(Decimal(unit) * units * Decimal(proration or 1))
        without_tax = Decimal(amount) * 10 / 12 if kind == "with tax" else Decimal(amount)
        return {
            "subscription_id": self.story.id, "subscription_item_id": self.story.item_id(item), "plan_id": price,
            "price_id": None if kind == "plan" else price, "quantity": quantity, "amount": amount,
            "unit_amount_excluding_tax": unit if kind == "plain" and not proration and amount
            else f"{without_tax / quantity:f}",
            "proration": bool(proration), "period_start": instant, "period_end": self.period[1],
            "currency": "usd", "livemode": self.story.is_live,
        }  # fmt: skip

    def bill(self, instant: datetime) -> None:
        """Bill the period that begins."""
        lines = [self.line(item, price, quantity, instant) for item, (price, quantity, _) in self.items.items()]
        self.invoice(instant, lines, "subscription_cycle")

    def invoice(self, instant: datetime, lines: list[Row], reason: str) -> None:
        """An invoice, and the charge that pays it."""
        number = len(self.tables["invoice"])
        status = {"incomplete": "open", "past_due": "open", "unpaid": "draft"}.get(self.subscription["status"], "paid")
        if self.subscription["pause_collection_behavior"]:
            status = "void"
        total = sum(line["amount"] for line in lines)
        invoice = {
            "id": f"in_{number}", "subscription_id": self.story.id, "customer_id": self.story.customer,
            "charge_id": None, "payment_intent_id": None, "status": status, "total": total, "tax": None,
            "created": instant, "billing_reason": reason, "is_deleted": False, "livemode": self.story.is_live,
        }  # fmt: skip
        self.tables["invoice"].append(invoice)
        for line in lines:
            self.tables["invoice_line_item"].append({
                "id": f"il_{len(self.tables['invoice_line_item'])}", "invoice_id": invoice["id"], **line,
            })  # fmt: skip
        if status == "paid" and total > 0:
            self.tables["charge"].append({
                "id": f"ch_{number}", "customer_id": self.story.customer, "invoice_id": invoice["id"],
                "payment_intent_id": None, "created": instant, "status": "succeeded", "captured": True, "amount": total,
                "amount_refunded": 0, "currency": "usd", "livemode": self.story.is_live,
            })  # fmt: skip


def told_stories() -> list[Story]:
    """Stories with one peculiarity each."""
    noon = datetime(2023, 1, 31, 12)

    def day(number: int, hour: int = 18) -> datetime:
        return noon.replace(hour=hour) + timedelta(days=number)

    basic = {"si_1": ("price_basic", 1)}
    seats = {"si_1": ("price_seat", 5)}
    return [
        Story("sub_plain", "cus_0", noon, basic),
        Story("sub_yearly", "cus_1", noon, {"si_1": ("price_year", 2)}, "year", coupons=["nine"]),
        Story("sub_trial_pays", "cus_2", noon, basic, trial_days=14),
        Story("sub_trial_leaves", "cus_3", noon, basic, trial_days=14, events=[Event(day(5), "cancel_later")]),
        Story("sub_trial_runs", "cus_4", datetime(2024, 6, 25, 12), basic, trial_days=14),
        Story("sub_asks_at_night", "cus_5", noon, basic, events=[Event(day(40), "cancel_later")]),
        Story("sub_at_once", "cus_6", noon, basic, events=[Event(day(40), "cancel_now")]),
        Story("sub_stays", "cus_7", noon, basic, events=[Event(day(40), "cancel_later"), Event(day(45), "keep")]),
        Story("sub_will_go", "cus_8", noon, basic, events=[Event(datetime(2024, 6, 20, 6), "cancel_later")]),
        Story("sub_fails", "cus_9", noon, basic, events=[Event(day(60), "fail"), Event(day(74), "give_up")]),
        Story("sub_fails_and_pays", "cus_10", noon, basic, events=[Event(day(60), "fail"), Event(day(70), "recover")]),
        Story("sub_unpaid", "cus_11", noon, basic, events=[Event(day(60), "fail"), Event(day(80), "unpaid")]),
        Story("sub_unpaid_then_pays", "cus_12", noon, basic, events=[
            Event(day(60), "fail"), Event(day(80), "unpaid"), Event(day(101), "recover"),
        ]),
        Story("sub_pauses", "cus_13", noon, basic, events=[Event(day(35), "pause"), Event(day(95), "resume")]),
        Story("sub_confirms", "cus_14", noon, basic, is_incomplete=True, events=[Event(day(1), "confirm")]),
        Story("sub_expires", "cus_15", noon, basic, is_incomplete=True, events=[Event(day(1), "expire")]),
        Story("sub_seats", "cus_16", noon, seats, events=[
            Event(day(40), "seats", "si_1", quantity=8), Event(day(70), "seats", "si_1", quantity=2),
            Event(day(100), "seats", "si_1", quantity=5, is_prorated=False),
        ]),
        Story("sub_swaps", "cus_17", noon, basic, events=[Event(day(50), "swap", "si_1", price="plan_old")]),
        Story("sub_free_then_paid", "cus_18", noon, {"si_1": ("price_free", 1)}, events=[
            Event(day(50), "swap", "si_1", price="price_basic"), Event(day(90), "swap", "si_1", price="price_free"),
        ]),
        Story("sub_items", "cus_19", noon, {"si_1": ("price_basic", 1), "si_2": ("price_seat", 3)}, events=[
            Event(day(40), "add", "si_3", "price_seat", 4), Event(day(80), "remove", "si_1"),
            Event(day(120), "remove", "si_2", is_prorated=False),
        ]),
        Story("sub_shared_amount", "cus_20", noon, {"si_1": ("price_basic", 1), "si_2": ("price_seat", 3)},
              coupons=["nine"], events=[Event(day(40), "add", "si_3", "price_seat", 4)]),
        Story("sub_two_coupons", "cus_21", noon, basic, coupons=["quarter", "third", "first_invoice"]),
        Story("sub_later_coupon", "cus_22", noon, basic, coupons=["first_invoice"],
              events=[Event(day(40), "coupon", coupon="huge")]),
        Story("sub_usage", "cus_23", noon, {"si_1": ("price_usage", 70), "si_2": ("price_basic", 1)}),
        Story("sub_tiers", "cus_24", noon, {"si_1": ("price_tiers", 12)}),
        Story("sub_packages", "cus_25", noon, {"si_1": ("price_packages", 250)}),
        Story("sub_with_tax", "cus_26", noon, {"si_1": ("price_with_tax", 3)}, trial_days=7,
              events=[Event(day(60), "seats", "si_1", quantity=4)]),
        Story("sub_half_cents", "cus_27", noon, {"si_1": ("price_half_cent", 301)}),
        Story("sub_in_test_mode", "cus_test", noon, basic, is_live=False),
    ]  # fmt: skip


def random_story(number: int, chance: random.Random) -> Story:
    """A subscription with a random life."""
    start = datetime(2023, 1, 3, 12) + timedelta(days=chance.randrange(450))
    is_yearly = chance.random() < 0.2
    monthly = ["price_basic", "price_seat", "price_half_cent", "plan_old", "price_with_tax", "price_packages"]
    prices = ["price_year"] if is_yearly else monthly
    items = {
        f"si_{n}": (chance.choice(prices), chance.randrange(1, 400)) for n in range(chance.choice([1, 1, 1, 2, 3]))
    }
    story = Story(
        f"sub_{number}", f"cus_{chance.randrange(60)}", start, items, "year" if is_yearly else "month",
        chance.choice([0, 0, 7, 30]), chance.sample(sorted(COUPONS), chance.choice([0, 0, 1, 2])),
    )  # fmt: skip
    at, is_asked, status = story.trial_end, False, "active"
    while at := (at + timedelta(days=chance.randrange(3, 60))).replace(hour=chance.choice([0, 6, 18])):
        if at > LOADED_AT - timedelta(days=5):
            break
        if (is_asked and at >= story.period_end_after(story.events[-1].at)) or status == "ended":
            break
        if status == "past_due":
            kind = chance.choice(["recover", "give_up", "unpaid"])
        elif status in ("paused", "unpaid"):
            kind = "resume" if status == "paused" else "recover"
        elif is_asked:
            kind = "keep"
        else:
            kind = chance.choice(["seats", "seats", "swap", "coupon", "pause", "fail", "cancel_later", "cancel_now"])
        event = Event(at, kind, is_prorated=chance.random() < 0.7)
        if kind in ("seats", "swap"):
            event.item = chance.choice(sorted(items))
            event.quantity = chance.randrange(1, 400) if kind == "seats" else 0
            # Whether there is tax in a price is known by the line for a whole interval alone: none may come.
            untaxed = [price for price in prices if PRICES[price][3] != "with tax"]
            event.price = chance.choice(untaxed) if kind == "swap" else ""
        if kind == "coupon":
            event.coupon = chance.choice(sorted(COUPONS))
        is_asked = kind == "cancel_later"
        becomes = {
            "fail": "past_due", "unpaid": "unpaid", "pause": "paused", "give_up": "ended", "cancel_now": "ended",
        }  # fmt: skip
        status = becomes.get(kind, "active")
        story.events.append(event)
    return story


CUSTOMER_COLUMNS = "id created email address_country shipping_address_country metadata is_deleted livemode".split()
# What is no payment of a subscription. Of an invoice: total and tax, for charges that pay one.
ORDERS: list[tuple[Row, tuple[int, int] | None, Row | None]] = [
    ({"amount": 5000}, None, {"status": "completed", "amount": 50}),
    ({"amount": 5000, "customer_id": None}, None, {"status": "completed", "amount": 50, "customer_id": None}),
    ({"amount": 5000, "status": "failed"}, None, {"status": "failed", "amount": 50}),
    ({"amount": 5000, "captured": False}, None, {"status": "uncaptured", "amount": 50}),
    ({"amount": 5000, "amount_refunded": 1250}, None, {"status": "completed", "amount": 50, "refunded_amount": 12.5}),
    ({"amount": 5000, "amount_refunded": 5000}, None, {"status": "refunded", "amount": 50, "refunded_amount": 50}),
    ({"amount": 12000}, (12000, 2000), {"status": "completed", "amount": 100}),
    ({"amount": 12000, "amount_refunded": 6000}, (12000, 2000),
     {"status": "completed", "amount": 100, "refunded_amount": 50}),
    ({"amount": 500, "currency": "jpy", "status": "failed"}, None,
     {"status": "failed", "amount": 500, "currency": "JPY"}),
    ({"amount": 5000, "livemode": False}, None, None),
]  # fmt: skip


@dataclass
class Company:
    """Stripe's tables and what must be read from them."""

    tables: dict[str, list[Row]]
    subscriptions: list[Row]
    customers: list[Row]
    plans: list[Row]
    orders: list[Row]
    truths: list[Truth]

    def mrr(self, instant: datetime) -> Decimal:
        """MRR of the company just before an instant."""
        return sum((truth.mrr(instant) for truth in self.truths), Decimal(0))


def company(seed: int = 1, size: int = 60) -> Company:
    """The told stories and as many random ones as `size` says."""
    chance = random.Random(seed)
    stories = told_stories() + [random_story(number, chance) for number in range(size)]
    stripe = Stripe()
    for story in stories:
        stripe.live(story)
    customers = sorted({story.customer for story in stories} | {"cus_never_subscribed"})
    tables = {**stripe.tables, "customer": [customer(id) for id in customers], **catalog()}
    orders = order_rows(tables)
    truths = [Truth(story) for story in stories if story.is_live]
    return Company(
        tables,
        [row for truth in truths for row in truth.stretches()],
        [customer_row(row) for row in tables["customer"] if row["livemode"]],
        plan_rows(),
        orders,
        truths,
    )


def customer(id: str) -> Row:
    """A customer of Stripe, with an address or without, some deleted since."""
    number = sum(id.encode())
    return {
        "id": id, "created": datetime(2023, 1, 1) + timedelta(hours=number), "email": f"{id}@example.com",
        "address_country": [None, "DE", "us"][number % 3], "shipping_address_country": "FR",
        "metadata": ['{"channel": "ads"}', "{}", None][number % 3 if number % 7 else 0], "is_deleted": number % 5 == 0,
        "livemode": id != "cus_test",
    }  # fmt: skip


def customer_row(row: Row) -> Row:
    """The raw row of a customer of Stripe."""
    return {
        "customer_id": row["id"], "created_at": row["created"], "email": row["email"],
        "country": (row["address_country"] or row["shipping_address_country"]).upper(),
        "acquisition_channel": "ads" if "ads" in (row["metadata"] or "") else None,
    }  # fmt: skip


def catalog() -> dict[str, list[Row]]:
    """Products, prices, plans and coupons."""
    products = sorted({product for product, *_ in PRICES.values()})
    prices, plans = [], []
    for id, (product, unit, interval, kind, package) in PRICES.items():
        if kind == "plan":
            plans.append({
                "id": id, "product_id": f"prod_{product}", "nickname": "Grandfathered", "currency": "usd",
                "amount": int(unit), "interval": interval, "interval_count": 1, "livemode": True,
            })  # fmt: skip
            continue
        prices.append({
            "id": id, "product_id": f"prod_{product}", "currency": "usd", "type": "recurring", "livemode": True,
            "billing_scheme": "tiered" if kind == "tiered" else "per_unit", "unit_amount_decimal": unit,
            "unit_amount": None if "." in unit else int(unit), "recurring_interval": interval,
            "recurring_interval_count": 1, "recurring_usage_type": "metered" if kind == "metered" else "licensed",
            "transform_quantity_divide_by": package or None, "transform_quantity_round": "up" if package else None,
        })  # fmt: skip
    prices += [
        {**prices[0], "id": "price_once", "type": "one_time", "recurring_interval": None},
        {**prices[0], "id": "price_test", "livemode": False},
        {**prices[0], "id": "price_yen", "currency": "jpy"},
    ]
    return {
        "product": [{"id": f"prod_{name}", "name": name} for name in products],
        "price": prices,
        "plan": plans,
        "coupon": [
            {
                "id": id, "duration": duration, "duration_in_months": months or None, "currency": "usd",
                "percent_off": float(percent) if percent else None, "amount_off": amount or None,
            }
            for id, (duration, months, percent, amount) in COUPONS.items()
        ],
    }  # fmt: skip


def plan_rows() -> list[Row]:
    """The raw plans."""
    rows = []
    for id, (product, _, interval, kind, _) in PRICES.items():
        row = {
            "plan_id": id, "plan_name": "Grandfathered" if kind == "plan" else product, "product": product,
            "price": price_of(id), "currency": "USD", "billing_interval": interval, "billing_interval_count": 1,
        }  # fmt: skip
        rows.append(row)
        if kind == "with tax":
            rows.append({**row, "plan_id": plan_of(id), "price": Decimal(10)})
    return [*rows, {**rows[0], "plan_id": "price_yen", "price": Decimal(2900), "currency": "JPY"}]


def order_rows(tables: dict[str, list[Row]]) -> list[Row]:
    """Puts the charges of ORDERS into the tables; the raw orders that they are."""
    rows = []
    for number, (charge, invoiced, order) in enumerate(ORDERS):
        created = datetime(2024, 3, 1) + timedelta(days=number)
        charge = {
            "id": f"ch_order_{number}", "customer_id": "cus_0", "invoice_id": None, "payment_intent_id": None,
            "created": created, "status": "succeeded", "captured": True, "amount_refunded": 0, "currency": "usd",
            "livemode": True, **charge,
        }  # fmt: skip
        if invoiced:
            # Newer charges do not name their invoice: it names the charge, or both the intent to pay.
            names = {"charge_id": charge["id"]} if number % 2 else {"payment_intent_id": f"pi_{number}"}
            charge.update({"payment_intent_id": f"pi_{number}"})
            tables["invoice"].append({
                "id": f"in_order_{number}", "subscription_id": None, "charge_id": None, "payment_intent_id": None,
                "status": "paid", "total": invoiced[0], "tax": invoiced[1], "created": created, "livemode": True,
                "is_deleted": False, **names,
            })  # fmt: skip
        tables["charge"].append(charge)
        if order:
            rows.append({
                "order_id": charge["id"], "customer_id": charge["customer_id"], "ordered_at": created,
                "refunded_amount": 0, "currency": "USD", **order,
            })  # fmt: skip
    return rows


def write(tables: dict[str, list[Row]], database: str, schema: str) -> None:
    """Write the tables to a schema of a DuckDB file: instants with a zone, as Fivetran has them."""
    kinds = {bool: "boolean", datetime: "timestamptz", int: "bigint", float: "double", str: "varchar"}
    with duckdb.connect(database) as connection, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        connection.execute(f"set TimeZone = 'UTC'; create schema {schema}")
        for table, rows in tables.items():
            columns = {name: "varchar" for row in rows for name in row}
            columns |= {name: kinds[type(value)] for row in rows for name, value in row.items() if value is not None}
            file.seek(0)
            file.truncate()
            json.dump(rows, file, default=str)
            file.flush()
            connection.execute(
                f"create table {schema}.{table} as select *, timestamptz '{LOADED_AT}' as _fivetran_synced"
                f" from read_json('{file.name}', columns = {columns}, timestampformat = '%Y-%m-%d %H:%M:%S')"
            )
