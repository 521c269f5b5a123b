"""Write the demo company's raw tables: raw_customers.csv, raw_plans.csv, raw_subscriptions.csv, raw_orders.csv and
raw_activity.csv.

The company sells a workspace product and a reports add-on by subscription, and a few goods in a small shop. The files
land beside this script and are the same to the byte on every run. Standard library only; run it with

    python seeds/demo/generate.py
"""

import csv
import random
from calendar import monthrange
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
Row = dict[str, Any]

RNG = random.Random(680)  # a seed with a steady monthly churn
FIRST_MONTH, MONTHS = datetime(2022, 1, 1), 30
LAST_MOMENT = datetime(2024, 6, 30, 23, 59, 59)  # nothing after it is known, except ends already scheduled
NEVER = datetime(9999, 1, 1)

Plan = namedtuple("Plan", "plan_id plan_name product tier price currency billing_interval billing_interval_count")
PLANS = {
    plan[0]: Plan(*plan)
    for plan in (
        ("business_annual", "Business, annual", "workspace", 3, "590.00", "USD", "year", 1),
        ("business_monthly", "Business", "workspace", 3, "59.00", "USD", "month", 1),
        ("day_pass", "Day pass", "workspace", 1, "2.00", "USD", "day", 1),
        ("free", "Free", "workspace", 0, "0.00", "USD", "month", 1),
        ("reports_annual", "Reports add-on, annual", "reports", None, "150.00", "USD", "year", 1),
        ("reports_monthly", "Reports add-on", "reports", None, "15.00", "USD", "month", 1),
        ("starter_annual", "Starter, annual", "workspace", 1, "120.00", "USD", "year", 1),
        ("starter_monthly", "Starter", "workspace", 1, "12.00", "USD", "month", 1),
        ("team_annual", "Team, annual", "workspace", 2, "348.00", "USD", "year", 1),  # 12 x 29: a swap moves no MRR
        ("team_monthly", "Team", "workspace", 2, "29.00", "USD", "month", 1),
        ("team_quarterly", "Team, quarterly", "workspace", 2, "81.00", "USD", "month", 3),
        ("team_weekly", "Team, weekly", "workspace", 2, "7.50", "USD", "week", 1),
    )
}
UPGRADE = {
    "starter_monthly": "team_monthly",
    "team_monthly": "business_monthly",
    "starter_annual": "team_annual",
    "team_annual": "business_annual",
}
DOWNGRADE = {higher: lower for lower, higher in UPGRADE.items()}
ANNUAL = {f"{name}_monthly": f"{name}_annual" for name in ("starter", "team", "business")}

# Dicts of value -> weight are drawn from by pick().
FIRST_PLAN = {
    "starter_monthly": 36,
    "team_monthly": 30,
    "business_monthly": 11,
    "starter_annual": 5,
    "team_annual": 5,
    "business_annual": 2,
    "team_quarterly": 6,
    "team_weekly": 2,
}
SEATS = {1: 34, 2: 20, 3: 14, 4: 10, 5: 8, 8: 7, 12: 4, 20: 2, 30: 1}
DISCOUNTS = {0: 75, 50: 14, 10: 9, 100: 2}  # percent
DISCOUNT_MONTHS = {50: 3, 100: 6}  # an introductory discount ends after so many months, any other lasts

Channel = namedtuple("Channel", "signups growth churn season")  # sign-ups a month, their monthly growth, two factors
SUMMER_DIP = {6: 0.6, 7: 0.3, 8: 0.35}  # month -> factor on sign-ups and orders
CHANNELS = {
    "organic": Channel(11.0, 0.015, 0.8, {}),
    "paid_search": Channel(9.0, 0.010, 1.1, {}),
    "paid_social": Channel(11.0, 0.012, 1.7, SUMMER_DIP),
    "referral": Channel(4.0, 0.040, 0.7, {}),
    "partner": Channel(3.0, 0.030, 0.9, {}),
    None: Channel(1.5, 0.0, 1.0, {}),
}
LAUNCH_FACTOR = 3.4  # the first month's sign-ups against an ordinary month's
COUNTRIES = {"US": 40, "DE": 22, "GB": 14, "FR": 7, "NL": 5, "CA": 4, "ES": 3, "AU": 2, None: 3}

SUBSCRIBE, BUY_TOO, BUY_ONLY = 0.76, 0.66, 0.80  # shares: of customers, of subscribers, of the others
PATHS = {"trial": 46, "paid": 36, "free": 14, "day_pass": 3, "short_visit": 1}  # how a subscriber begins
TRIAL_DAYS, TRIAL_CONVERTS, FREE_CONVERTS, COME_BACK = 14, 0.64, 0.45, 0.20
HAZARD = {3: 0.052, 6: 0.030, 12: 0.020, 999: 0.016}  # up to this age in months: monthly chance to cancel
LARGE_ACCOUNT, LARGE_ACCOUNT_CHURN = 5, 0.55  # seats, and the factor on such an account's chance to cancel
EVENTS = {
    "more_seats": 0.060,
    "fewer_seats": 0.016,
    "upgrade": 0.012,
    "downgrade": 0.005,
    "to_annual": 0.003,
    "add_on": 0.012,
    "past_due": 0.015,
    "pause": 0.004,
    "to_free": 0.003,
    "withdrawn": 0.004,
}  # chance a month
RESTARTS = {"swap_instant": 8, "swap_hours": 8, "short_gap": 8, "at_midnight": 6, "before_midnight": 6}
PLANTED = RESTARTS | {
    "voided": 8,
    "to_annual": 8,
    "past_due": 4,
    "pause": 4,
    "to_free": 4,
    "withdrawn": 4,
    "downgrade": 4,
}  # so many customers meet the event in their first term
# Event -> terms meanwhile, shortest and longest duration in days, share never resumed.
INTERRUPTIONS: dict[str, tuple[Row, int, int, float]] = {
    "past_due": ({"status": "past_due"}, 3, 14, 0.25),
    "pause": ({"status": "paused"}, 20, 95, 0.20),
    "to_free": ({"plan_id": "free", "quantity": 1, "discount_percent": 0}, 20, 200, 0.60),
}
PAYMENT_REASONS: dict[str | None, float] = {"payment failed": 1, "card declined": 1}
REASONS: dict[str | None, float] = {
    "too expensive": 9,
    "missing features": 7,
    "switched to competitor": 6,
    "not using it enough": 6,
    "project finished": 4,
    "company closed": 2,
    "budget cut, maybe next year": 3,
    "hard to set up": 2,
    "my colleagues would not switch": 1,
    "poor support": 1,
    "nobody answered for a week": 1,  # free text
    "team got smaller": 2,
    "merged accounts": 1,
    "security review": 1,
    None: 10,
}

# Settled at the end, with no chance drawn: of the trials that run, one ends within 24 hours and two more within 72; and
# the first months have so few customers that these first ends, unless put off by months, would make a churn of 5-11 %.
RUNNING_TRIAL_DAYS, PUT_OFF = 8, {"S00033": 3, "S00036": 3, "S00070": 2, "S00101": 2, "S00110": 3}

SHOP_CENTS = {900: 8, 1490: 9, 1950: 8, 2900: 7, 3999: 5, 5900: 4, 8900: 2, 14900: 1}
SHOP_SEASON = {1: 0.8, 2: 0.85, 7: 0.9, 11: 1.3, 12: 2.0}  # month -> factor on orders, 1 if not named
REPEAT_BUYERS, ONE_TIME_GAP, GUEST_GAP = 0.42, 60, 3  # share of buyers; the others order once; gaps in days
GAP_DAYS = {80: 4, 45: 4, 25: 4, 13: 2, 7: 1}  # typical days between a repeat buyer's orders
LAST_ORDER, SAME_DAY, SAME_INSTANT = 0.023, 0.025, 0.003  # chances after each order of a repeat buyer
STATUSES = {"completed": 935, "pending": 6, "cancelled": 35, "failed": 24}
PARTIAL_REFUND, FULL_REFUND, CREDIT_NOTE, CANCELLED_ODDITY = 0.035, 0.02, 0.002, 0.15

ACTIVITY_RNG = random.Random(681)  # of its own: activity came later and moves nothing else
ATTRIBUTES_RNG = random.Random(682)  # likewise: industry and company size came later, too
INDUSTRIES = {
    "software": 22,
    "agency": 16,
    "retail": 12,
    "education": 9,
    "health": 8,
    "manufacturing": 7,
    "finance": 6,
    None: 5,
}
COMPANY_SIZES = {  # up to so many seats -> people of the company, weights
    0: {"1 to 9": 60, "10 to 49": 12, "50 or more": 3, None: 25},
    2: {"1 to 9": 80, "10 to 49": 15, "50 or more": 3, None: 2},
    5: {"1 to 9": 45, "10 to 49": 42, "50 or more": 11, None: 2},
    999: {"10 to 49": 55, "50 or more": 43, None: 2},
}
TRACKED_SINCE = datetime(2024, 1, 29)  # the first Monday of a week whose activity is known
SILENT, QUIET_WEEK, WEEKLY_EVENTS = 0.06, 0.08, (4, 30)  # shares of customers and of weeks; events of one seat
FADES, FADING_DAYS, RECOVERS = 0.7, 60, 0.05  # leavers who fall off, how long before; stayers who fall off all the same

Customer = namedtuple(
    "Customer", "customer_id created_at country acquisition_channel industry company_size", defaults=(None, None)
)
Activity = namedtuple("Activity", "customer_id activity_date events")
Order = namedtuple("Order", "order_id customer_id ordered_at status amount refunded_amount currency")


def chance(probability: float) -> bool:
    return RNG.random() < probability


def pick(weights: Mapping[T, float], rng: random.Random = RNG) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]


def later(when: datetime, first: int, last: int) -> datetime:
    """An instant on a day that many days later, mostly in office hours."""
    hour = RNG.randint(8, 17) if chance(0.93) else RNG.randint(0, 23)
    day = when + timedelta(days=RNG.randint(first, last))
    return day.replace(hour=hour, minute=RNG.randint(0, 59), second=RNG.randint(0, 59))


def inside(start: datetime, end: datetime) -> datetime:
    return later(start, 1, (end - start).days - 1)


def add_months(when: datetime, months: int) -> datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    return when.replace(year=year, month=month + 1, day=min(when.day, monthrange(year, month + 1)[1]))


def months_of(plan_id: str) -> float:
    """Length of a paid term in months; a week is roughly a quarter of one."""
    plan = PLANS[plan_id]
    return plan.billing_interval_count * {"week": 0.25, "month": 1, "year": 12}[plan.billing_interval]


def make_customers() -> list[Customer]:
    """Sign-ups month by month and channel by channel, in order of time."""
    signups = []
    for number in range(MONTHS):
        month = add_months(FIRST_MONTH, number)
        for name, channel in CHANNELS.items():
            expected = channel.signups * (1 + channel.growth * number) * channel.season.get(month.month, 1)
            for _ in range(int(expected * (1 if number else LAUNCH_FACTOR) + RNG.random())):
                signups.append((later(month, 0, monthrange(month.year, month.month)[1] - 1), pick(COUNTRIES), name))
    signups.sort(key=lambda signup: signup[0])
    return [Customer(f"C{number:05d}", *signup) for number, signup in enumerate(signups, 1)]


class Subscription:
    """A chain of stretches, each a row with unchanged terms. What happens after the last moment is dropped."""

    rows: ClassVar[list[Row]] = []  # of all subscriptions
    count = 0

    def __init__(self, customer: Customer, add_on: "Subscription | None" = None) -> None:
        self.customer, self.add_on = customer, add_on
        self.subscription_id: str | None = None
        self.row: Row = {}
        self.terms: Row = {"plan_id": None, "status": "active", "quantity": 1, "discount_percent": 0}

    def open(self, at: datetime, **terms: Any) -> None:
        """Begin a stretch; terms not named stay as they were."""
        self.terms |= terms
        if at > LAST_MOMENT:
            return
        if not self.subscription_id:
            Subscription.count += 1
            self.subscription_id = f"S{self.count:05d}"
        self.row = {
            "subscription_id": self.subscription_id,
            "customer_id": self.customer.customer_id,
            **self.terms,
            "started_at": at,
            "ended_at": None,
            "cancel_requested_at": None,
            "end_reason": None,
        }
        self.rows.append(self.row)

    def change(self, at: datetime, **terms: Any) -> None:
        """Go on without a gap in another stretch, unless the terms named are the same already."""
        if at > LAST_MOMENT or (terms and terms.items() <= self.terms.items()):
            return
        if at == self.row["started_at"]:
            self.rows.remove(self.row)
        self.row["ended_at"] = at
        self.open(at, **terms)

    def close(self, at: datetime, reason: str | None, requested: datetime | None = None) -> None:
        if (requested or at) <= LAST_MOMENT:
            self.row |= {"ended_at": at, "end_reason": reason, "cancel_requested_at": requested}
            if self.add_on and not self.add_on.row["ended_at"]:
                self.add_on.close(at, reason, requested)


Following = tuple[Subscription, datetime]  # the subscription to go on with, and from when


def start_paid(sub: Subscription, at: datetime, start: Callable[..., None], plan_id: str | None = None) -> Following:
    """Enter a paid plan through `start`, the subscription's open or change."""
    plan_id, discount = plan_id or pick(FIRST_PLAN), pick(DISCOUNTS)
    if discount in DISCOUNT_MONTHS and months_of(plan_id) != 1:
        discount = 0
    start(at, plan_id=plan_id, quantity=pick(SEATS), discount_percent=discount)
    return sub, at


def live(sub: Subscription, at: datetime, planted: str | None = None) -> None:
    """Run a paid subscription term by term: each is the last one, or holds one event at most."""
    since = at
    while at <= LAST_MOMENT:
        if (at - since).days >= 30 * DISCOUNT_MONTHS.get(sub.terms["discount_percent"], 999) - 2:
            sub.change(at, discount_percent=0)
        months = months_of(sub.terms["plan_id"])
        end = at + timedelta(days=7) if months < 1 else add_months(at, int(months))
        hazard = next(HAZARD[age] for age in HAZARD if ((end - since).days + 2) // 30 <= age)
        size = LARGE_ACCOUNT_CHURN if sub.terms["quantity"] >= LARGE_ACCOUNT else 1
        if not planted and chance(hazard * months * size * CHANNELS[sub.customer.acquisition_channel].churn):
            sub.close(end, pick(REASONS), later(end, -60, -10) if months == 12 else inside(at, end))
            following = None
        else:
            chances = {name: monthly * min(months, 3) for name, monthly in EVENTS.items()}
            following = happen(planted or pick(chances | {None: 1 - sum(chances.values())}), sub, at, end)
        if not following:
            following = come_back(sub)
            since = following[1]
        (sub, at), planted = following, None


def come_back(sub: Subscription) -> Following:
    """After an end: the same subscription again after a gap, or another one, or nothing."""
    if not sub.row["ended_at"] or not chance(COME_BACK):
        return sub, NEVER
    back, other = later(sub.row["ended_at"], 15, 240), Subscription(sub.customer)
    if chance(0.5):
        return start_paid(other, back, other.open)
    sub.open(back, status="active", discount_percent=0)
    return sub, back


def happen(event: str | None, sub: Subscription, at: datetime, end: datetime) -> Following | None:
    """An event in the term from `at` to `end`; None if the subscription ended with it."""
    plan, seats, when = sub.terms["plan_id"], sub.terms["quantity"], inside(at, end)
    share = max(1, seats * RNG.randint(10, 50) // 100)
    changes: dict[str, tuple[datetime, Row]] = {
        "more_seats": (when, {"quantity": seats + share}),
        "fewer_seats": (when, {"quantity": max(1, seats - share)}),
        "upgrade": (when, {"plan_id": UPGRADE.get(plan, plan)}),
        "downgrade": (end, {"plan_id": DOWNGRADE.get(plan, plan)}),
        "to_annual": (when, {"plan_id": ANNUAL.get(plan, plan)}),
    }
    if event in changes:
        since, terms = changes[event]
        sub.change(since, **terms)
        return sub, when if event == "to_annual" and plan in ANNUAL else end
    if event in INTERRUPTIONS:
        return interrupt(event, sub, end)
    if event in RESTARTS:
        return restart(event, sub, when)
    if event == "add_on" and not sub.add_on and when <= LAST_MOMENT:
        sub.add_on = start_add_on(sub.customer, when)
    elif event == "withdrawn":  # a cancellation taken back before it took effect
        requested, withdrawn = sorted((when, inside(at, end)))
        if withdrawn <= LAST_MOMENT:
            sub.row["cancel_requested_at"] = requested
            sub.change(withdrawn)
    elif event == "voided":  # bought twice by mistake: a stretch without length
        twin = Subscription(sub.customer)
        twin.open(when, plan_id=plan)
        twin.close(when, "created by mistake")
    return sub, end


def interrupt(event: str, sub: Subscription, end: datetime) -> Following | None:
    """From the term's end a failed payment, a pause or the free plan; then back to the old terms, or not."""
    meanwhile, shortest, longest, lost = INTERRUPTIONS[event]
    before, back = dict(sub.terms), later(end, shortest, longest)
    sub.change(end, **meanwhile)
    if not chance(lost):
        sub.change(back, **before)
        return sub, back
    if event == "to_free":
        return sub, NEVER
    sub.close(back, pick(PAYMENT_REASONS if event == "past_due" else REASONS))
    return None


def restart(event: str, sub: Subscription, when: datetime) -> Following:
    """End and start anew: swaps of one day, a gap inside a month, an end and a start at the boundary of months."""
    month = add_months(when.replace(day=1, hour=0, minute=0, second=0), 1)
    swap, same = event.startswith("swap"), not event.startswith("swap")
    if event == "swap_instant":
        ended = started = when
    elif event == "swap_hours":
        ended, started = when.replace(hour=RNG.randint(8, 11)), when.replace(hour=RNG.randint(13, 17))
    elif event == "short_gap":
        ended, started, same = later(month, 3, 11), later(month, 15, 24), chance(0.5)
    else:
        second = timedelta(seconds=1 if event == "before_midnight" else 0)
        ended, started = month - second, add_months(month, RNG.randint(1, 4)) - second
    other = sub if same else Subscription(sub.customer, sub.add_on)
    plan = RNG.choice(["starter_monthly", "business_monthly"]) if swap else sub.terms["plan_id"]
    sub.close(ended, "changed plan" if swap else pick(REASONS))
    other.open(started, plan_id=plan, quantity=sub.terms["quantity"])
    return other, started


def start_add_on(customer: Customer, at: datetime) -> Subscription:
    """The second product; some give it up after a while, the others together with the first."""
    extra, annual = Subscription(customer), chance(0.2)
    extra.open(at, plan_id="reports_annual" if annual else "reports_monthly", quantity=RNG.randint(1, 3))
    if chance(0.4):
        end = add_months(at, 12 if annual else RNG.randint(2, 14))
        extra.close(end, pick(REASONS), later(end, -25, -2))
    return extra


def subscribe(customer: Customer, path: str, planted: str | None) -> None:
    """A customer's subscriptions, begun the given way."""
    sub, at = Subscription(customer), customer.created_at + timedelta(seconds=RNG.choice([0, RNG.randint(60, 3600)]))
    if path == "paid":
        live(*start_paid(sub, at, sub.open, "team_monthly" if planted else None), planted)
    elif path == "trial":
        end = at + timedelta(days=TRIAL_DAYS)
        sub.terms["status"] = "trialing"
        start_paid(sub, at, sub.open)
        if chance(TRIAL_CONVERTS):
            end = end if chance(0.7) else inside(at, end)
            sub.change(end, status="active")
            live(sub, end)
        elif chance(0.2):
            sub.change(end, status="active", plan_id="free", quantity=1, discount_percent=0)
        else:
            sub.close(end, *RNG.choice([("trial expired", None), (pick(REASONS), inside(at, end))]))
    elif path == "free":
        sub.open(at, plan_id="free")
        if chance(FREE_CONVERTS):
            live(*start_paid(sub, later(at, 10, 200), sub.change))
        elif chance(0.3):
            sub.close(later(at, 10, 300), pick(REASONS))
    elif path == "day_pass":
        for _ in range(RNG.randint(1, 3)):
            one = Subscription(customer)
            one.open(at, plan_id="day_pass")
            one.close(at + timedelta(days=RNG.choice([1, 1, 2, 3, 5])), None)
            at = later(at, 10, 120)
    else:  # a short visit: arrives and leaves inside one month
        month = add_months(at.replace(day=1), 1)
        sub.open(later(month, 1, 9), plan_id="team_monthly")
        sub.close(later(month, 11, 25), "not what was expected")


def settle(rows: list[Row]) -> None:
    """Schedule the ends of the trials that run, and put off some subscriptions' first ends."""
    for row in rows:
        if row["status"] == "trialing" and not row["ended_at"]:
            row["ended_at"] = row["started_at"] + timedelta(days=RUNNING_TRIAL_DAYS)
    for subscription_id, months in PUT_OFF.items():
        stretches = [row for row in rows if row["subscription_id"] == subscription_id]
        first = stretches[0]
        moved = {when: add_months(when, months) for when in (first["ended_at"], first["cancel_requested_at"]) if when}
        for row in stretches:
            row.update({name: moved[value] for name, value in row.items() if value in moved})


def make_subscriptions(customers: list[Customer]) -> list[Row]:
    """Everybody's stretches; the planted events go to some of those who begin with a paid plan."""
    plants = [event for event, count in PLANTED.items() for _ in range(count)]
    RNG.shuffle(plants)
    for customer in customers:
        if chance(SUBSCRIBE):
            path = pick(PATHS)
            meets = plants and path == "paid" and customer.created_at.year < 2024 and chance(0.3)
            subscribe(customer, path, plants.pop() if meets else None)
    settle(Subscription.rows)
    return sorted(Subscription.rows, key=lambda row: (row["subscription_id"], row["started_at"]))


def shopping_days(since: datetime, gap: int, season: dict[int, float]) -> Iterator[datetime]:
    """Instants of orders, about every `gap` days and more often in the high season."""
    peak = max(SHOP_SEASON.values())
    while (since := later(since, 1, round(2 * gap / peak))) <= LAST_MOMENT:
        if chance(SHOP_SEASON.get(since.month, 1) * season.get(since.month, 1) / peak):
            yield since


def make_order(customer_id: str | None, at: datetime) -> Order:
    """One order, its amounts still in cents and its id still to come."""
    amount = sum(pick(SHOP_CENTS) for _ in range(pick({1: 6, 2: 3, 3: 1}))) * pick({100: 8, 90: 2}) // 100
    status, refunded, currency = pick(STATUSES), 0, "USD"
    if LAST_MOMENT - at < timedelta(days=4) and chance(0.25):
        status = "pending"
    if status == "completed" and chance(PARTIAL_REFUND):
        refunded = amount * RNG.randint(10, 60) // 100
    elif status == "completed" and chance(FULL_REFUND):
        refunded = amount
    elif chance({"completed": CREDIT_NOTE, "cancelled": CANCELLED_ODDITY}.get(status, 0)):
        amount = -amount
    if status == "cancelled" and chance(CANCELLED_ODDITY):
        currency = "EUR"
    return Order(None, customer_id, at, status, amount, refunded, currency)


def make_orders(customers: list[Customer], subscribers: set[str]) -> list[Order]:
    """The shop's orders by one-time buyers, repeat buyers and guests, numbered in order of time."""
    orders = [make_order(None, at) for at in shopping_days(FIRST_MONTH, GUEST_GAP, {})]
    for customer in customers:
        if not chance(BUY_TOO if customer.customer_id in subscribers else BUY_ONLY):
            continue
        repeats, season = chance(REPEAT_BUYERS), CHANNELS[customer.acquisition_channel].season
        for at in shopping_days(customer.created_at, pick(GAP_DAYS) if repeats else ONE_TIME_GAP, season):
            orders.append(make_order(customer.customer_id, at))
            if repeats and chance(SAME_DAY):
                orders.append(make_order(customer.customer_id, at.replace(hour=RNG.randint(18, 22))))
            if repeats and chance(SAME_INSTANT):
                orders.append(make_order(customer.customer_id, at))
            if not repeats or chance(LAST_ORDER):
                break
    orders.sort(key=lambda order: (order.ordered_at, order.customer_id or ""))
    return [
        order._replace(
            order_id=f"O{number:06d}",
            amount=f"{order.amount / 100:.2f}",
            refunded_amount=f"{order.refunded_amount / 100:.2f}",
        )
        for number, order in enumerate(orders, 1)
    ]


def with_attributes(customers: list[Customer], stretches: list[Row]) -> Iterator[Customer]:
    """The customers with their industry, and the size of the company, which goes with the most seats they had."""
    seats: dict[str, int] = {}
    for row in stretches:
        seats[row["customer_id"]] = max(row["quantity"], seats.get(row["customer_id"], 0))
    for customer in customers:
        sizes = next(COMPANY_SIZES[most] for most in COMPANY_SIZES if seats.get(customer.customer_id, 0) <= most)
        yield customer._replace(industry=pick(INDUSTRIES, ATTRIBUTES_RNG), company_size=pick(sizes, ATTRIBUTES_RNG))


def make_activity(stretches: list[Row]) -> list[Activity]:
    """A day of use in most weeks of most paying customers, less and less of it before many of them leave."""
    rng = ACTIVITY_RNG
    paid: dict[str, list[Row]] = {}
    for row in stretches:
        if row["status"] in ("active", "past_due") and row["plan_id"] != "free":
            paid.setdefault(row["customer_id"], []).append(row)
    activity = []
    for customer_id, rows in sorted(paid.items()):
        leaves = max(row["ended_at"] or NEVER for row in rows)
        if leaves == NEVER and rng.random() < RECOVERS:
            leaves = LAST_MOMENT + timedelta(days=rng.randint(0, FADING_DAYS))
        elif rng.random() >= FADES:
            leaves = NEVER
        usual, silent = rng.randint(*WEEKLY_EVENTS), rng.random() < SILENT
        for week in range((LAST_MOMENT - TRACKED_SINCE).days // 7 + 1):
            day = TRACKED_SINCE + timedelta(days=7 * week + rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 6]))
            seats = sum(row["quantity"] for row in rows if row["started_at"] <= day < (row["ended_at"] or NEVER))
            left = min(1, max(0, (leaves - day).days) / FADING_DAYS) ** 1.5
            events = round(usual * min(seats, 5) * rng.uniform(0.6, 1.4) * left)
            if events and not silent and rng.random() >= QUIET_WEEK and day <= LAST_MOMENT:
                activity.append(Activity(customer_id, day.date(), events))
    return activity


def write(table: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with open(Path(__file__).with_name(f"raw_{table}.csv"), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)  # None becomes an empty field


def main() -> None:
    customers = make_customers()
    stretches = make_subscriptions(customers)
    orders = make_orders(customers, {row["customer_id"] for row in stretches})
    write("customers", Customer._fields, with_attributes(customers, stretches))
    write("plans", Plan._fields, PLANS.values())
    write("subscriptions", stretches[0], [row.values() for row in stretches])
    write("orders", Order._fields, orders)
    write("activity", Activity._fields, make_activity(stretches))


if __name__ == "__main__":
    main()
