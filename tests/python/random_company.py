"""Random small companies that the public contract allows, made as awkward as the contract allows them to be.

`company(seed)` returns `(raw, settings)`: the raw tables as lists of dicts of text ('' is null), as a csv reader
would give them, and the contract's vars. The same seed gives the same company.
"""

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, str]

SIZES = {"tiny": (3, 8), "small": (12, 40), "large": (80, 160)}
STARTS = [
    date(2015, 9, 1),
    date(2018, 8, 1),
    date(2018, 12, 1),
    date(2019, 10, 1),
    date(2020, 11, 1),
    date(2023, 7, 1),
    date(2023, 12, 1),
    date(2024, 2, 1),
]  # leap days and ISO years of 52 and 53 weeks ahead
# In Sao Paulo some days began at one, in Havana some twice.
ZONES = ["America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Auckland", "America/Havana"]
TEXTS = [
    "#1",
    "#",
    "a",
    "A",
    "a ",
    " a",
    "O'Brien",
    'say "hi"',
    "x,y",
    "line\nbreak",
    "tab\there",
    "é",
    "e\u0301",
    "ß",
    "日本",
    "🦊",
    "NULL",
    "null",
    "None",
    "NaN",
    "true",
    "0",
    "00",
    "1",
    "1.0",
    "1e3",
    "-1",
    "2024-01-31",
    "all",
    "unknown",
    "long " * 60 + "id",
    "back\\slash",
    "{{ ref('x') }}",
    "100%",
    "; drop table orders; --",
    "'",
    '"',
    "x|y",
    "$HOME",
    "=1+1",
    "\u200bhidden",
    "İ",
    "i",
]
COUNTRIES = ["DE", "US", "BR", "de", "unknown", "all", ""]
CHANNELS = ["ads", "Ads", "word of mouth", "search, paid", "unknown", "🦊", "", ""]
REASONS = ["", "", "too expensive", 'said "no", left', "line\nbreak", "🦊", "NULL", "Aliens ", "aliens", " ALIENS"]
KNOWN_REASONS = ["Price", " card declined", "switched plan ", "cancelled", "Budget cuts", "   ", "fraud"]
# Further attributes of customers. Joined by ` / ` some values of two columns read alike; `plan` and `all` never mean
# these columns.
ATTRIBUTES = {
    "industry": ["retail", "Retail", " retail", "a", "a / b", ""],
    "Company size": ["b / c", "c", "", "  "],
    "größe": ["groß", "unknown", "NULL", ""],
    "order": ["1", "01", " ", 'x"y'],
    "e-mail": ["+", "a+b'", ""],
    "plan": ["gold", "silver"],
    "all": ["one", "none"],
}
DISCOUNTS = ["0", "0", "0", "0.0", "10", "33.3333", "33.3333333333", "50", "99.9999", "100"]
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# plan name, tier, price, interval, count: monthly 10 and yearly 120 are one MRR, the last two round to a millionth or 0
PLANS = [
    ("Basic monthly", "1", "10", "month", 1),
    ("Basic yearly", "1", "120", "year", 1),
    ("Pro monthly", "2", "29.95", "month", 1),
    ("Pro quarterly", "2", "89.99", "month", 3),
    ("Pro, two years", "2", "500.5", "year", 2),
    ("Weekly", "", "7.77", "week", 1),
    ("Fortnightly", "", "0.01", "week", 2),
    ("Daily", "", "1.234567", "day", 1),
    ("Ten days", "", "33", "day", 10),
    ("Free", "0", "0", "month", 1),
    ("Enterprise", "9", "99999.99", "month", 1),
    ("By usage", "", "0.3333333333", "month", 1),
    ("Half a millionth", "", "0.000006", "year", 1),
    ("Next to nothing", "", "0.000001", "year", 1),
]


class _Clock:
    """Awkward instants (naive UTC) of one company, and their text."""

    def __init__(self, rng: random.Random, zone: str, first: date, days: int, as_of: date | None) -> None:
        self.rng, self.zone, self.first, self.days, self.as_of = rng, ZoneInfo(zone), first, days, as_of
        self.dates = [first + n * DAY for n in range(days)]
        self.edges = [d for d in self.dates if d.day == 1 or (d.month, d.day) in ((2, 29), (12, 31), (12, 29), (1, 4))]
        self.edges += [d for d in self.dates if d.day == 1 and d.month % 3 == 1]
        self.edges += [d for d in self.dates if self.midnight(d + DAY) - self.midnight(d) != DAY]  # clock changes
        self.used: list[datetime] = []

    def midnight(self, day: date) -> datetime:
        """The first instant of a business date."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC).replace(tzinfo=None)

    def instant(self) -> datetime:
        """Some instant, often at or around the first instant of a period or of as_of_date, or one used before."""
        self.used.append(self.rng.choice(self.used) if self.used and self.rng.random() < 0.07 else self._instant())
        return self.used[-1]

    def _instant(self) -> datetime:
        rng, kind = self.rng, self.rng.random()
        if kind < 0.35:
            return self.midnight(rng.choice(self.dates)) + rng.randrange(86400) * SECOND
        if kind < 0.55:
            return self.midnight(rng.choice(self.dates))
        day = self.as_of if self.as_of and kind > 0.93 else rng.choice(self.edges)
        midnight = self.midnight(day) if rng.random() < 0.75 else datetime.combine(day, time())
        return midnight + rng.choice([0, 0, 0, -1, 1, -0.5, 0.25, -0.000001, 0.000001]) * SECOND

    def parsed(self, text: str) -> datetime:
        """The instant of such a text."""
        if len(text) == 10:
            return self.midnight(date.fromisoformat(text))
        return datetime.fromisoformat(text[:-4] if text.endswith(" UTC") else text.rstrip("Z")).replace(tzinfo=None)

    def local(self, instant: datetime) -> datetime:
        """What the clock of the company shows at an instant."""
        return instant.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)

    def text(self, instant: datetime) -> str:
        """Text of an instant in one of the accepted forms; a bare date where the instant is a local midnight."""
        local = self.local(instant).date()
        if self.midnight(local) == instant and self.rng.random() < 0.7:
            return local.isoformat()
        text = instant.isoformat(" ")
        text = text.rstrip("0") if instant.microsecond else text
        suffix = self.rng.choice(["", "", "Z", "Z", "+00:00", "+00", " UTC"])
        return self.rng.choice([text, text.replace(" ", "T")]) + suffix

    def is_like_midnight(self, instant: datetime) -> bool:
        """Whether the clock of the company shows 00:00:00 or 23:59:59."""
        return self.local(instant).time().replace(microsecond=0) in (time(), time(23, 59, 59))


def _ids(rng: random.Random, count: int, prefix: str) -> list[str]:
    """Distinct texts, a good part of them odd."""
    odd = rng.sample(TEXTS, min(len(TEXTS), count // 2 + 1))
    ids = (odd + [f"{prefix}{n}" for n in range(count)])[:count]
    rng.shuffle(ids)
    return ids


def _subscription(
    rng: random.Random, clock: _Clock, subscription_id: str, customers: list[str], plans: list[str]
) -> list[Row]:
    """The stretches of one subscription: in sequence, now and then with a pause, a void row or a new owner."""
    instants = sorted({clock.instant() for _ in range(rng.choice([2, 3, 4, 5, 7]))})
    ends: list[datetime | None] = [*instants[1:]]
    still = rng.random() < 0.2  # changes of plan that move nothing
    if rng.random() < 0.15:  # shorter than a day
        ends = [instants[0] + rng.choice([1, 0.5, 60, 3600, 86399]) * SECOND]
    elif rng.random() < 0.6:
        ends.append(None)
    customer = rng.choice(customers)
    rows: list[tuple[str, datetime, datetime | None]] = []
    for start, end in zip(instants, ends):
        if not still and rng.random() < 0.25:
            continue  # a gap
        customer = rng.choice(customers) if rng.random() < 0.03 else customer
        rows.append((customer, start, end))
        if rng.random() < 0.2:  # no effect: zero length, or ended before it started
            rows.append((customer, start, start - rng.choice([0, 0, 1, 86400, 4000000]) * SECOND))
    return [
        {
            "subscription_id": subscription_id,
            "customer_id": owner,
            "plan_id": plans[n % 2] if still else rng.choice(plans),
            "status": "active" if still else rng.choice(["active"] * 8 + ["past_due", "trialing", "paused"]),
            "quantity": "1" if still else rng.choice(["1"] * 8 + ["0", "2", "3", "1000"]),
            "discount_percent": "0" if still else rng.choice(DISCOUNTS),
            "started_at": clock.text(start),
            "ended_at": "" if end is None else clock.text(end),
            "cancel_requested_at": clock.text(clock.instant()) if rng.random() < 0.3 else "",
            "end_reason": rng.choice(REASONS),
            "note": "ignored",
        }
        for n, (owner, start, end) in enumerate(rows)
    ]


def _orders(rng: random.Random, clock: _Clock, customers: list[str], count: int, countable: list[str]) -> list[Row]:
    """Orders of regular customers and guests, some at one instant, refunded, free, corrected or not countable."""
    rows, at = [], clock.instant()
    for order_id in _ids(rng, count, "order "):
        at = at if rng.random() < 0.12 else clock.instant()
        counts = rng.random() < 0.8
        status = rng.choice(countable if counts else ["cancelled", "pending", "complete", "odd, 'one'"])
        status = rng.choice([status, status, status.upper(), f" {status.title()} "])
        amount = rng.choice(
            [
                "0",
                "-0.00",
                "-5.25",
                "-100",
                f"{rng.randrange(1, 100000) / 100:.2f}",
                "19.9",
                "0.333333",
                "0.0000004",
                "100",
            ]
        )
        rows.append(
            {
                "order_id": order_id,
                "customer_id": "" if rng.random() < 0.12 else rng.choice(customers),
                "ordered_at": clock.text(at),
                "status": status,
                "amount": amount if counts else "-" + amount.lstrip("-"),
                "refunded_amount": rng.choice(["0", "0", "0", "0.00", "5", "19.9", "1000.01"]),
                "currency": rng.choice(["USD", "USD", "usd"] if counts else ["USD", "EUR", "JPY"]),
                "extra, column": "x",
            }
        )
    return rows


def _scheduled_end(rng: random.Random, clock: _Clock, row: Row, plans: list[Row]) -> list[Row]:
    """Let a stretch without an end have one around as_of_date, and sometimes the next one start there."""
    assert clock.as_of
    if row["started_at"][:10] >= (clock.as_of - 2 * DAY).isoformat():
        return []
    end = clock.midnight(clock.as_of) + rng.choice([-3600, 0, 3600, 86399, 86400, 86401, 259200, 259201]) * SECOND
    row["ended_at"] = rng.choice([clock.text(end)] * 4 + ["9999-12-31"])
    row["status"] = rng.choice(["trialing", "trialing", "active", row["status"]])
    if row["ended_at"] == "9999-12-31" or rng.random() < 0.5:
        return []
    plan = rng.choice(plans if rng.random() < 0.6 else plans[-2:])  # the last two pay next to nothing, or nothing
    return [
        row
        | {
            "plan_id": plan["plan_id"],
            "status": rng.choice(["active", "active", "paused"]),
            "quantity": rng.choice(["0", "1", "1"]),
            "discount_percent": rng.choice(DISCOUNTS),
            "started_at": clock.text(end),
            "ended_at": "",
            "cancel_requested_at": "",
        }
    ]


def _split_at_the_end(rng: random.Random, clock: _Clock, row: Row, yearly: list[str]) -> list[Row]:
    """Make of a stretch two yearly terms, the second of which is the last day of the first."""
    if row["ended_at"] in ("", "9999-12-31"):
        return []
    start, end = clock.parsed(row["started_at"]), clock.parsed(row["ended_at"])
    change = end - rng.choice([1, 3600]) * SECOND
    if change <= start:
        return []
    before, after = rng.sample(yearly, 2)
    row |= {"ended_at": clock.text(change), "status": "active", "plan_id": before}
    return [row | {"plan_id": after, "started_at": clock.text(change), "ended_at": clock.text(end)}]


def _add_signs_of_churn(rng: random.Random, clock: _Clock, raw: dict[str, list[Row]]) -> None:
    """Requests that several stretches carry on, trials, yearly and scheduled ends, known reasons, and activity."""
    yearly = [plan["plan_id"] for plan in raw["plans"] if plan["billing_interval"] == "year"]
    requests = [clock.instant() for _ in range(8)]
    if rng.random() < 0.5:  # one product and few tiers, dear and cheap ones at random
        for plan in raw["plans"]:
            plan |= {"product": rng.choice(["Main"] * 9 + [""]), "tier": rng.choice(["1", "2", "3", ""])}
    by_subscription: dict[str, list[Row]] = {}
    for row in raw["subscriptions"]:
        by_subscription.setdefault(row["subscription_id"], []).append(row)
    for rows in by_subscription.values():
        rows.sort(key=lambda row: row["started_at"])
        if rng.random() < 0.25:
            request = clock.text(rng.choice(requests))
            for row in rows[rng.randrange(len(rows)) :]:
                row["cancel_requested_at"] = request
            if rng.random() < 0.5:  # and asked for again, mostly on the same day
                at = clock.parsed(request) + rng.choice([1, 60, 60, 3600, 86400]) * SECOND
                rows[-1]["cancel_requested_at"] = clock.text(at)
        if rng.random() < 0.2:
            for row in rows:
                row["plan_id"] = rng.choice(yearly)
        if rng.random() < 0.25:
            rows[0]["status"] = "trialing"
        for row in rows:
            if rng.random() < 0.4:
                row["end_reason"] = rng.choice(KNOWN_REASONS)
        if rows[-1]["ended_at"] == "" and rng.random() < 0.5 and clock.as_of:
            raw["subscriptions"] += _scheduled_end(rng, clock, rows[-1], raw["plans"])
        if rng.random() < 0.2:
            raw["subscriptions"] += _split_at_the_end(rng, clock, rng.choice(rows), yearly)
    used = {
        (row["customer_id"], (clock.first + n * DAY).isoformat())
        for row in raw["customers"]
        if rng.random() < 0.5
        for n in rng.sample(range(clock.days), rng.randint(1, 12))
    }
    last = clock.as_of or clock.first + clock.days * DAY
    used |= {
        (row["customer_id"], (last - n * DAY).isoformat())
        for row in raw["customers"]
        if rng.random() < 0.5
        for n in (-1, 0, 1, 30, 31, 60, 61)
        if rng.random() < 0.5
    }
    raw["activity"] = (
        [
            {"customer_id": customer, "activity_date": day, "events": rng.choice(["0", "1", "2", "3", "7"])}
            for customer, day in sorted(used)
        ]
        if rng.random() < 0.8
        else []
    )
    rng.shuffle(raw["activity"])


def _add_attributes(rng: random.Random, raw: dict[str, list[Row]], settings: dict[str, Any]) -> None:
    """Give the customers up to three further attributes, and break down by some of them and by crossings."""
    names = rng.sample(list(ATTRIBUTES), rng.randint(0, 3))
    for row in raw["customers"]:
        row |= {name: rng.choice(ATTRIBUTES[name]) for name in names}
    usable = ["country", "acquisition_channel", *(name for name in names if name not in ("plan", "all"))]
    segments = [name for name in usable[2:] if rng.random() < 0.4]
    if rng.random() < 0.7:
        count = 3 if len(usable) > 2 and rng.random() < 0.15 else 2
        segments.append("+".join(rng.sample(usable, count)))
    settings["segments"] = settings["segments"] + [rng.choice([name, name, name.title()]) for name in segments]
    rng.shuffle(settings["segments"])


def _correct(rng: random.Random, clock: _Clock, raw: dict[str, list[Row]], settings: dict[str, Any]) -> None:
    """Let corrections follow an order of their customer: the earliest rows of a customer are orders.

    Where nothing is broken down by attributes, one customer has corrections alone, after somebody's first order.
    """
    countable = {status.lower() for status in settings["countable_order_statuses"]}
    orders = [row for row in raw["orders"] if row["status"].strip().lower() in countable]
    orders.sort(key=lambda row: (clock.parsed(row["ordered_at"]), row["order_id"]))
    has_attributes = any(name not in ("plan", "product", "billing_interval") for name in settings["segments"])
    corrected = None if has_attributes or not orders else rng.choice(orders)["customer_id"]
    have_ordered, first = set(), True
    for row in orders:
        if corrected and row["customer_id"] == corrected:
            row["amount"] = "-7.5"
            row["status"] = "cancelled" if first else row["status"]
            continue
        if row["customer_id"] not in have_ordered:
            row["amount"] = row["amount"].lstrip("-")
        have_ordered.add(row["customer_id"])
        first = False


def _bill_amounts(rng: random.Random, subscriptions: list[Row]) -> None:
    """Give some stretches an amount, which stands in place of price, quantity and discount."""
    for row in subscriptions:
        row["amount"] = rng.choice(["", "", "", "0", "19.9", "240", "0.0000004", "33.3333333333"])


def _add_currencies(rng: random.Random, clock: _Clock, raw: dict[str, list[Row]]) -> None:
    """Other currencies for plans and orders, and their rates from before the first day on, with gaps."""
    codes = ["EUR", "eur", "GBP", "Jpy"]
    for row in raw["plans"] + raw["orders"]:
        row["currency"] = rng.choice(["USD", "usd", *codes])
    instants = [clock.parsed(row["started_at"]) for row in raw["subscriptions"]]
    instants += [clock.parsed(row["ordered_at"]) for row in raw["orders"]]
    first = min((clock.local(at).date() for at in instants), default=clock.first)
    ways = {
        "EUR": ["1.1", "1.0837", "0.95", "1.123456789012345678"],
        "gbp": ["1.25", "1.31", "1.2777777777777"],
        "JPY": ["0.0067", "0.00712345678901234", "151.5", "0.0000004"],
        "USD": ["2", "1"],  # never read
    }
    raw["exchange_rates"] = []
    for code, rates in ways.items():
        day = first - rng.randint(0, 3) * DAY
        while day < clock.first + (clock.days + 40) * DAY:
            code = rng.choice([code.lower(), code.upper()])
            raw["exchange_rates"].append({"currency": code, "date": day.isoformat(), "rate": rng.choice(rates)})
            day += rng.choice([1, 1, 2, 7, 31, 90]) * DAY
    rng.shuffle(raw["exchange_rates"])


def _make_ends_inclusive(rng: random.Random, clock: _Clock, subscriptions: list[Row]) -> None:
    """Write ends so that they mean under the var `ended_at_is_inclusive` what they meant without it, or nothing."""
    starts = [(row["subscription_id"], clock.parsed(row["started_at"])) for row in subscriptions]
    latest = dict(sorted(starts))
    for row in subscriptions:
        if row["ended_at"] in ("", "9999-12-31"):
            continue
        start, end = clock.parsed(row["started_at"]), clock.parsed(row["ended_at"])
        day = clock.local(end).date()
        if end > start and end == clock.midnight(day):
            ways = [clock.midnight(day - DAY), end - SECOND, end - SECOND / 1000]
            texts = [clock.text(instant) for instant in ways if clock.is_like_midnight(instant)]
            row["ended_at"] = rng.choice([(day - DAY).isoformat(), *texts])
        elif clock.is_like_midnight(end) and end - 2 * SECOND > start:
            row["ended_at"] = clock.text(end - 2 * SECOND)
        elif clock.is_like_midnight(end) or end <= start:
            row["ended_at"] = (clock.local(start).date() - 3 * DAY).isoformat() + " 12:00:00"
        if start == latest[row["subscription_id"]] and end > start and rng.random() < 0.2:
            row["ended_at"] = clock.local(start).date().isoformat()  # one day long


def company(seed: int, size: str = "small") -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """A company for a seed: the raw tables and the settings."""
    rng = random.Random(seed)
    zone = rng.choice(ZONES) if seed % 3 == 1 else "UTC"
    first, days = rng.choice(STARTS), rng.randint(120, 910)
    as_of = rng.choice(
        [
            None,
            first + rng.randint(90, days) * DAY,
            (first + rng.randint(30, days) * DAY).replace(day=1),
            date(first.year + 1, 1, 1),
            first + (days + rng.randint(1, 60)) * DAY,
        ]
    )
    clock = _Clock(rng, zone, first, days, as_of)
    countable = rng.choice([["completed"], ["completed"], ["completed", "shipped", "Paid, in full"]])

    customers = _ids(rng, rng.randint(*SIZES[size]), "customer ")
    paying, shopping = customers[2 * len(customers) // 5 :], customers[len(customers) // 5 : 4 * len(customers) // 5]
    plan_ids = _ids(rng, len(PLANS), "plan ")
    subscriptions, orders = [], []
    if seed % 10 != 7:
        for subscription_id in _ids(rng, len(customers) * 5 // 4, "sub "):
            subscriptions += _subscription(rng, clock, subscription_id, paying, plan_ids)
    if seed % 10 != 8:
        orders = _orders(rng, clock, shopping, 3 * len(customers), countable)
    raw = {
        "customers": [
            {
                "customer_id": customer,
                "created_at": clock.text(clock.instant() + rng.choice([0, 0, 0, -30, 20]) * DAY),
                "country": rng.choice(COUNTRIES),
                "acquisition_channel": rng.choice(CHANNELS),
                "email": "ignored",
            }
            for customer in customers
        ],
        "plans": [
            {
                "plan_id": plan_id,
                "plan_name": name,
                "product": rng.choice(["", "Main", 'Side, "B"']),
                "tier": tier,
                "price": price,
                "currency": rng.choice(["USD", "USD", "usd"]),
                "billing_interval": interval,
                "billing_interval_count": str(count),
            }
            for plan_id, (name, tier, price, interval, count) in zip(plan_ids, PLANS)
        ]
        if subscriptions
        else [],
        "subscriptions": subscriptions,
        "orders": orders,
    }
    for rows in raw.values():
        rng.shuffle(rows)
    clock.rng = more = random.Random(f"{seed} of what leads to churn")  # so that all the rest stays as it is without
    _add_signs_of_churn(more, clock, raw)
    settings: dict[str, Any] = {
        "as_of_date": as_of and as_of.isoformat(),
        "reporting_timezone": zone,
        "fiscal_year_start_month": rng.choice([2, 4, 7, 10, 12]) if seed % 4 == 2 else 1,
        "segments": rng.choice([["country", "acquisition_channel"]] * 3 + [["country"], []])
        + rng.choice([["plan", "product", "billing_interval"], ["plan"], []]),
        "countable_order_statuses": countable,
        "gross_margin": rng.choice([1, 1, 0.7]),
        "period_grains": ["day", "week", "month", "quarter", "year"],
        "renewal_grace_days": more.choice([30, 30, 0, 1, 7, 45]),
        "inactivity_days": more.choice([90, 30, 60, 14]),
        "single_purchase_days": more.choice([90, 30, 120]),
        "declining_days": more.choice([45, 10, 100, 0]),
        "trial_conversion_days": more.choice([30, 7, 60, 0]),
        "new_customer_days": more.choice([90, 90, 20, 150, 0]),
        "low_sample_customers": more.choice([30, 30, 3, 0]),
    }
    _add_attributes(random.Random(f"{seed} of attributes"), raw, settings)
    _correct(more, clock, raw, settings)
    if seed % 4 in (0, 2):
        _bill_amounts(random.Random(f"{seed} of amounts"), raw["subscriptions"])
    if seed % 4 in (1, 2):
        _add_currencies(random.Random(f"{seed} of currencies"), clock, raw)
    if seed % 4 == 1:
        settings["ended_at_is_inclusive"] = True
        _make_ends_inclusive(more, clock, raw["subscriptions"])
    if seed % 4 == 3:
        settings["period_grains"][rng.randrange(5)] = "half_year"
    return raw, settings
