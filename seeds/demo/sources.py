"""The demo company as two vendors would hold it: Stripe's tables, and a shop's exports in euros.

    python seeds/demo/sources.py FOLDER

writes CSV files of Stripe's tables as Fivetran loads them to FOLDER/stripe, Shopify's orders_export.csv to FOLDER/shop
and made-up rates of the euro to FOLDER/exchange_rates.csv. They are made of the raw tables beside this file, and the
same each time.
"""

import csv
import sys
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
LOADED_AT = "2024-07-01 03:10:00"
CUSTOMERS = 400  # so many of the company's first customers
Row = dict[str, object]


def read(table: str) -> list[dict[str, str]]:
    """The rows of a raw table of the demo company."""
    with open(HERE / f"raw_{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    """A CSV file with the columns of its rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def address(customer_id: str) -> str:
    """The e-mail address of a customer."""
    return f"{customer_id.lower()}@example.com"


def cents(amount: str) -> int:
    """An amount in minor units."""
    return round(float(amount) * 100)


def versions(stretches: list[dict[str, str]]) -> list[Row]:
    """What Stripe says of a subscription at each of its changes."""
    first, last = stretches[0], stretches[-1]
    trials = [stretch for stretch in stretches if stretch["status"] == "trialing"]
    common = {
        "id": first["subscription_id"], "customer_id": first["customer_id"], "created": first["started_at"],
        "start_date": first["started_at"], "trial_start": trials[0]["started_at"] if trials else "",
        "trial_end": trials[-1]["ended_at"] if trials else "", "livemode": "true", "_fivetran_synced": LOADED_AT,
    }  # fmt: skip
    rows: list[Row] = []
    for stretch in stretches:
        changes = {
            "_fivetran_start": stretch["started_at"], "status": stretch["status"], "canceled_at": "", "ended_at": ""
        }  # fmt: skip
        rows.append({**common, **changes})
    if last["ended_at"]:
        requested = last["cancel_requested_at"]
        if requested and requested < last["ended_at"]:
            rows.append({**rows[-1], "_fivetran_start": requested, "canceled_at": requested})
        rows.append(
            {
                **rows[-1],
                "_fivetran_start": last["ended_at"],
                "status": "canceled",
                "canceled_at": requested or last["ended_at"],
                "ended_at": last["ended_at"],
            }
        )
    return rows


def write_stripe(folder: Path, customers: list[dict[str, str]]) -> None:
    """Stripe's tables: the subscriptions that never change their plan or seats, without discounts."""
    known = {row["customer_id"] for row in customers}
    subscriptions: dict[str, list[dict[str, str]]] = {}
    for row in sorted(read("subscriptions"), key=lambda row: row["started_at"]):
        if row["customer_id"] in known and row["status"] != "paused":
            subscriptions.setdefault(row["subscription_id"], []).append(row)
    steady = {
        name: rows
        for name, rows in subscriptions.items()
        if len({(row["plan_id"], row["quantity"], row["discount_percent"]) for row in rows}) == 1
        and float(rows[0]["discount_percent"]) == 0
        and all(row["ended_at"] == after["started_at"] for row, after in pairwise(rows))
    }
    write(folder / "subscription_history.csv", [version for rows in steady.values() for version in versions(rows)])
    write(
        folder / "subscription_item.csv",
        [
            {
                "id": f"si_{name}",
                "subscription_id": name,
                "plan_id": rows[0]["plan_id"],
                "quantity": rows[0]["quantity"],
                "created": rows[0]["started_at"],
                "_fivetran_synced": LOADED_AT,
            }
            for name, rows in steady.items()
        ],
    )
    plans = read("plans")
    write(
        folder / "price.csv",
        [
            {
                "id": plan["plan_id"],
                "nickname": plan["plan_name"],
                "product_id": plan["product"],
                "type": "recurring",
                "unit_amount": cents(plan["price"]),
                "currency": plan["currency"].lower(),
                "recurring_interval": plan["billing_interval"],
                "recurring_interval_count": plan["billing_interval_count"],
                "livemode": "true",
                "_fivetran_synced": LOADED_AT,
            }
            for plan in plans
        ],
    )
    products = sorted({plan["product"] for plan in plans})
    write(
        folder / "product.csv",
        [{"id": name, "name": name.capitalize(), "_fivetran_synced": LOADED_AT} for name in products],
    )
    write(
        folder / "customer.csv",
        [
            {
                "id": row["customer_id"],
                "created": row["created_at"],
                "email": address(row["customer_id"]),
                "address_country": row["country"],
                "livemode": "true",
                "_fivetran_synced": LOADED_AT,
            }
            for row in customers
        ],
    )


def financial_status(order: dict[str, str]) -> str:
    """What Shopify says of the payment of an order."""
    if order["status"] != "completed":
        return {"cancelled": "voided", "failed": "expired"}.get(order["status"], order["status"])
    refunded, amount = float(order["refunded_amount"]), float(order["amount"])
    return "paid" if not refunded else "partially_refunded" if refunded < amount else "refunded"


def write_shop(folder: Path, customers: list[dict[str, str]]) -> None:
    """Shopify's export of orders: those of the same customers and of guests, in euros, with a tax of 19 %."""
    countries = {row["customer_id"]: row["country"] for row in customers}
    rows: list[Row] = []
    for order in read("orders"):
        amount = float(order["amount"])
        if amount <= 0 or (order["customer_id"] and order["customer_id"] not in countries):
            continue
        refunded = float(order["refunded_amount"])
        rows.append(
            {
                "Name": f"#{1000 + len(rows)}",
                "Email": address(order["customer_id"]) if order["customer_id"] else "",
                "Financial Status": financial_status(order),
                "Created at": f"{order['ordered_at']} +0000",
                "Cancelled at": "",
                "Currency": "EUR",
                "Taxes": f"{amount * 0.19:.2f}",
                "Total": f"{amount + round(amount * 0.19, 2):.2f}",
                "Refunded Amount": f"{refunded * 1.19:.2f}",
                "Payment Method": "Shopify Payments",
                "Id": order["order_id"],
                "Shipping Country": countries.get(order["customer_id"], ""),
            }
        )
    write(folder / "orders_export.csv", rows)


def write_rates(path: Path) -> None:
    """A rate of the euro for each working day, which rises and falls by a few cents."""
    day, rows = date(2021, 12, 31), list[Row]()
    while day < datetime.fromisoformat(LOADED_AT).date():
        if day.weekday() < 5:
            rows.append({"currency": "EUR", "date": day, "rate": f"{1.08 + (day.toordinal() % 90 - 45) / 1500:.4f}"})
        day += timedelta(days=1)
    write(path, rows)


def main(folder: Path) -> None:
    """Write all files."""
    customers = read("customers")[:CUSTOMERS]
    write_stripe(folder / "stripe", customers)
    write_shop(folder / "shop", customers)
    write_rates(folder / "exchange_rates.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
