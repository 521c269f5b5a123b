"""Rules that are easily got wrong, each in a company of one or two customers: a value of the segment `example`."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import RAW_COLUMNS, Build, build, write_raw

VARIABLES = {"segments": ["Example"], "as_of_date": "2025-09-01", "ended_at_is_inclusive": True}
NULLS = {"cancel_requested_at": "", "end_reason": ""}
# Example, subscription, customer, status, plan, start, end (inclusive), and what else is not null.
STRETCHES = [
    ("ends are inclusive", "1", "a", "active", "p20", "2025-01-01", "2025-01-31", {}),
    ("ends are inclusive", "1", "a", "active", "p20", "2025-02-01", "2025-02-28 23:59:59", {}),
    ("ends are inclusive", "1", "a", "active", "p20", "2025-03-01", "", {}),
    ("a free month is no trial", "2", "b", "active", "p20", "2025-03-01", "2025-04-30", {}),
    ("a free month is no trial", "2", "b", "trialing", "p20", "2025-05-01", "2025-05-31", {}),
    ("a free month is no trial", "2", "b", "active", "p20", "2025-06-01", "", {}),
    ("a free month is no trial", "3", "c", "trialing", "p20", "2025-05-03", "2025-05-16", {}),
    ("a free month is no trial", "3", "c", "active", "p20", "2025-05-17", "", {}),
    (
        "asked twice on one day",
        "4",
        "d",
        "active",
        "p10",
        "2025-01-01",
        "2025-02-10 10:00:00",
        {"cancel_requested_at": "2025-02-10 09:00:00"},
    ),
    (
        "asked twice on one day",
        "4",
        "d",
        "active",
        "p30",
        "2025-02-10 10:00:00",
        "2025-03-09 12:00:00 UTC",
        {"cancel_requested_at": "2025-02-10 11:00:00", "end_reason": "payment_failed"},
    ),
    ("aliens", "5", "e", "active", "p10", "2025-01-01", "2025-02-09", {"end_reason": "ALIENS "}),
    ("aliens", "6", "f", "active", "p10", "2025-01-01", "2025-02-09", {"end_reason": "aliens"}),
]
# Example, customer, instant, amount, status.
ORDERS = [
    ("refunds are rows", "g", "2025-01-02", "50", "completed"),
    ("refunds are rows", "g", "2025-01-03 10:00:00+00", "-50", "completed"),
    ("refunds are rows", "h", "2025-01-02", "30", " Completed"),
    ("refunds are rows", "h", "2025-01-04", "20", "completed"),
    ("a correction is no order", "i", "2025-01-02", "50", "completed"),
    ("a correction is no order", "i", "2025-02-02", "-20", "completed"),
    ("a correction is no order", "i", "2025-03-02", "70", "completed"),
]
COLUMNS = {
    "mrr": ("mrr_churn_by_period", ["closing_mrr", "churned_mrr"]),
    "trials": ("trial_conversion_by_period", ["trials_started", "trials_converted", "conversion_rate"]),
    "orders": ("repeat_purchase_by_period", ["revenue", "orders", "ordering_customers", "repeat_customers"]),
    "revenue": (
        "revenue_change_by_period",
        ["revenue", "returning_customer_revenue", "growth_revenue", "shrinkage_revenue", "lost_customer_revenue"],
    ),
    "reasons": ("churn_reasons_by_period", ["churn_type", "reason", "churned_customers"]),
    "requests": ("churn_by_definition_by_period", ["lost_customers", "lost_mrr"]),
}


def companies() -> dict[str, list[dict[str, str]]]:
    """The raw tables of all examples."""
    examples = {customer: example for example, _, customer, *_ in STRETCHES}
    examples |= {customer: example for example, customer, *_ in ORDERS}
    return {
        "customers": [
            {
                "customer_id": customer,
                "created_at": "2025-01-01",
                "country": "",
                "acquisition_channel": "",
                "example": example,
            }
            for customer, example in examples.items()
        ],
        "plans": [
            {
                "plan_id": f"p{price}",
                "plan_name": f"Plan {price}",
                "product": "",
                "tier": "",
                "price": price,
                "currency": "usd",
                "billing_interval": "month",
                "billing_interval_count": "1",
            }
            for price in ("10", "20", "30")
        ],
        "subscriptions": [
            {
                "subscription_id": subscription,
                "customer_id": customer,
                "plan_id": plan,
                "status": status,
                "quantity": "1",
                "discount_percent": "0",
                "started_at": start,
                "ended_at": end,
                **NULLS,
                **others,
            }
            for _, subscription, customer, status, plan, start, end, others in STRETCHES
        ],
        "orders": [
            {
                "order_id": str(number),
                "customer_id": customer,
                "ordered_at": at,
                "status": status,
                "amount": amount,
                "refunded_amount": "0",
                "currency": "USD",
            }
            for number, (_, customer, at, amount, status) in enumerate(ORDERS)
        ],
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder, raw = tmp_path_factory.mktemp("examples"), companies()
    columns = RAW_COLUMNS | {"customers": [*RAW_COLUMNS["customers"], "example"]}
    location = write_raw(folder, {table: (columns[table], rows) for table, rows in raw.items()})
    return build(Path(folder), VARIABLES | {"raw_location": location})


@pytest.mark.parametrize(
    ("example", "what", "month", "expected"),
    [
        ("ends are inclusive", "mrr", 1, (20, 0)),
        ("ends are inclusive", "mrr", 2, (20, 0)),
        ("ends are inclusive", "mrr", 3, (20, 0)),
        ("a free month is no trial", "trials", 5, (1, 1, 1)),
        ("asked twice on one day", "requests", 2, (1, 30)),
        ("aliens", "reasons", 2, ("unknown", "aliens", 2)),
        ("refunds are rows", "orders", 1, (50, 3, 2, 1)),
        ("a correction is no order", "revenue", 2, (-20, 0, 0, 20, 50)),
        ("a correction is no order", "revenue", 3, (70, 70, 20, 0, 0)),
    ],
)
def test_example(finished: Build, example: str, what: str, month: int, expected: tuple[Any, ...]) -> None:
    mart, columns = COLUMNS[what]
    rows = finished.query(f"""
        select {", ".join(columns)} from marts.{mart}
        where segment = 'Example' and segment_value = '{example}' and period_grain = 'month'
            and period_start_date = '2025-{month:02}-01'
            {"and churn_definition = 'cancel_request'" if what == "requests" else ""}""")
    assert [tuple(row.values()) for row in rows] == [expected]


def test_the_reason_of_a_request_decides_its_type(finished: Build) -> None:
    events = finished.query("""
        select churned_on, churn_type, reason, mrr_lost from marts.churn_events
        where churn_definition = 'cancel_request'""")
    assert [tuple(row.values()) for row in events] == [
        (date(2025, 2, 10), "involuntary", "payment_failed", Decimal(30))
    ]
