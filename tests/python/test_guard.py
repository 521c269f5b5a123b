"""The guard: a catalogue of bad and odd input, each a mutation of good data, and what must come of it."""

import gc
import gzip
import json
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
import yaml
from conftest import OPTIONAL_COLUMNS, RATE_COLUMNS, RAW_COLUMNS, ROOT, dbt, lean_project, suite_in, suite_of
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from plugins import guard
from plugins.publication import lock_warehouse
from plugins.sql import text

Row = dict[str, Any]
Tables = Mapping[str, str | bytes | None]  # the content of each raw table's file; None: there is no file

SUBSCRIPTIONS = ",".join(RAW_COLUMNS["subscriptions"])
GOOD = {
    "customers": """customer_id,created_at,country,acquisition_channel
c1,2024-01-01,DE,ads
c2,2024-01-05,US,
c3,2024-02-01,,ads
""",
    "plans": """plan_id,plan_name,product,tier,price,currency,billing_interval,billing_interval_count
monthly,Monthly,app,1,10,USD,month,1
yearly,Yearly,app,2,120,USD,year,1
""",
    "subscriptions": f"""{SUBSCRIPTIONS}
s1,c1,monthly,active,1,0,2024-01-01,2024-02-10,2024-02-01,too expensive
s1,c1,yearly,active,1,0,2024-02-10,,,
s2,c2,monthly,active,2,10,2024-01-05 09:30:00,2024-03-01,,
""",
    "orders": """order_id,customer_id,ordered_at,status,amount,refunded_amount,currency
o1,c1,2024-01-02,completed,20,0,USD
o2,c1,2024-02-02T10:00:00Z,completed,30.5,0,USD
o3,c3,2024-02-03,completed,5,0,USD
o4,c2,2024-02-04,cancelled,-7,0,USD
""",
    "activity": """customer_id,activity_date,events
c1,2024-03-01,3
c1,2024-03-08,4
c2,2024-02-20,0
""",
}  # fmt: skip


def replaced(table: str, old: str, new: str) -> dict[str, str]:
    """The good data with a text of one table replaced."""
    assert GOOD[table].count(old) >= 1, old
    return {**GOOD, table: GOOD[table].replace(old, new, 1)}


def encoded(table: str, encoding: str, text: str | None = None) -> Tables:
    return {**GOOD, table: (text or GOOD[table]).encode(encoding)}


def without(table: str, column: str) -> dict[str, str]:
    header, *rows = (line.split(",") for line in GOOD[table].splitlines())
    place = header.index(column)
    lines = [",".join(row[:place] + row[place + 1 :]) for row in [header, *rows]]
    return {**GOOD, table: "\n".join(lines) + "\n"}


def with_rates(rates: str, **tables: str) -> dict[str, str]:
    """The good data with exchange rates and other tables."""
    return {**GOOD, **tables, "exchange_rates": f"currency,date,rate\n{rates}\n"}


def with_amount(amount: str, plan: str = "monthly") -> dict[str, str]:
    """The good data with a column for amounts: of the subscription s2, on a plan, it is this one."""
    rows = GOOD["subscriptions"].replace("s2,c2,monthly", f"s2,c2,{plan}").splitlines()
    return {
        **GOOD,
        "subscriptions": "\n".join([f"{rows[0]},amount", *(f"{row}," for row in rows[1:-1]), rows[-1] + f",{amount}"]),
    }


EURO_PLAN = replaced("plans", "10,USD", "10,EUR")["plans"]
EURO_ORDER = replaced("orders", "20,0,USD", "20,0,EUR")["orders"]
EUROS = "EUR,2024-01-01,1.1\nEUR,2024-02-01,1.2"
HEADS = {table: (text.splitlines()[0], text[text.index("\n") :]) for table, text in GOOD.items()}
ORDER = "o1,c1,2024-01-02,completed,20,0,USD"
STRETCH = "s2,c2,monthly,active,2,10,2024-01-05 09:30:00,2024-03-01,,"
DECIMAL = "is a decimal number between -1,000,000,000,000 and 1,000,000,000,000"
MONTHLY = "monthly,Monthly,app,1,10,USD,month,1"

# Name of the mutation -> the raw tables, and what the refusal must name.
REFUSED: dict[str, tuple[Tables, list[str]]] = {
    "a missing table": ({**GOOD, "orders": None}, ["orders cannot be read: there is no file", "orders.csv"]),
    "an empty file": ({**GOOD, "orders": ""}, ["orders.csv is empty", "a header line with the names", "is wanted"]),
    "an empty first line": ({**GOOD, "orders": "\n" + GOOD["orders"]}, ["orders.csv, line 1 is empty"]),
    "a missing column": (without("orders", "amount"), ["orders has all columns", "missing 'amount'"]),
    "columns by other names": (
        {**GOOD, "orders": GOOD["orders"].replace("status,amount,", "State,total amount,")},
        ["missing 'amount' (there is 'total amount'), 'status' (there is 'state')"],
    ),
    "a column that other tables refer to is missing": (
        without("customers", "customer_id"), ["customers has all columns of the contract", "missing 'customer_id'"]
    ),
    "bars for commas": (
        {**GOOD, "plans": GOOD["plans"].replace(",", "|")},
        ["plans.csv, line 1: 'plan_id|plan_name|", "var csv_separator"],
    ),
    "a truncated last line": (
        {**GOOD, "orders": GOOD["orders"].rstrip() + "\no5,c1,2024"},
        ["orders.csv, line 6: there are 3 values ('o5,c1,2024'), 7 are wanted"],
    ),
    "a value too many": (
        {**GOOD, "orders": GOOD["orders"].replace(ORDER, ORDER + ",1")}, ["orders.csv, line 2: there are 8 values"]
    ),
    "an unclosed quote": (
        {**GOOD, "orders": GOOD["orders"] + '"o5,c1,2024-02-05,completed,1,0,USD\n'},
        ["orders.csv, line 6: a double quote is not closed"],
    ),
    "a stray quote": (
        replaced("orders", "completed,20", '"comp"leted,20'), ["orders.csv, line 2: a double quote is not closed, or"]
    ),
    "UTF-16": (encoded("orders", "utf-16"), ["orders.csv, line 1: this is UTF-16, UTF-8 is wanted"]),
    "a compressed file": (
        {**GOOD, "orders": gzip.compress(GOOD["orders"].encode())},
        ["orders.csv is compressed, or a spreadsheet: CSV is wanted as plain text"],
    ),
    "UTF-16 without a mark": (encoded("orders", "utf-16-le"), ["orders.csv, line 1: this is UTF-16"]),
    "Latin-1": (
        encoded("customers", "latin-1", GOOD["customers"].replace("ads", "Büro")),
        ["customers.csv, line 2 is not UTF-8, which is wanted; read as Latin-1 it is 'c1,2024-01-01,DE,Büro'"],
    ),
    "a NUL": (replaced("orders", "o3,c3", "o3,c\0"), ["orders.csv, line 4: there is a NUL character"]),
    "the header line again": (
        {**GOOD, "orders": GOOD["orders"] + GOOD["orders"]}, ["orders.csv, line 6: the header line is there again"]
    ),
    "a column twice": (
        {**GOOD, "orders": GOOD["orders"].replace("customer_id", "order_id", 1)},
        ["orders.csv, line 1: the column order_id is there twice"],
    ),
    "a column twice in other cases": (
        {**GOOD, "orders": GOOD["orders"].replace("\n", ",1\n").replace("currency,1", "currency,Amount")},
        ["orders.csv, line 1: the column Amount, amount is there twice"],
    ),
    "carriage returns alone": (
        {**GOOD, "orders": GOOD["orders"].replace("\n", "\r")},
        ["orders.csv, line 1: the lines end with carriage returns"],
    ),
    "a column by a short name": (
        {**GOOD, "subscriptions": GOOD["subscriptions"].replace("quantity", "qty")},
        ["missing 'quantity' (there is 'qty')"],
    ),
    "bad values under columns in another case": (
        {
            **{table: head.title() + rest for table, (head, rest) in HEADS.items()},
            "orders": HEADS["orders"][0].title() + HEADS["orders"][1].replace(",20,", ",twenty,"),
        },
        ["critical: orders.amount", "1 of 4 rows", "'twenty'", "at order_id 'o1'"],
    ),
    "text for a number": (replaced("orders", ",20,", ",twenty,"), ["orders.amount", "1 of 4 rows", "'twenty'", "'o1'"]),
    "a comma for decimals": (replaced("orders", ",20,", ',"20,50",'), ["orders.amount", "'20,50'"]),
    "a thousands separator": (replaced("orders", ",20,", ',"1,020.00",'), ["orders.amount", "'1,020.00'"]),
    "a currency sign": (replaced("plans", ",10,", ",$10,"), ["plans.price", "'$10'"]),
    "NaN": (replaced("orders", ",20,", ",NaN,"), ["orders.amount", "'NaN'"]),
    "Infinity": (replaced("plans", ",10,", ",Infinity,"), ["plans.price", "'Infinity'"]),
    "an amount of 26 digits": (replaced("orders", ",20,", f",{10**25},"), ["orders.amount", "1 of 4 rows"]),
    "an amount of a trillion": (
        replaced("orders", ",20,", f",{10**12},"), ["between -1,000,000,000,000 and 1,000,000,000,000", f"'{10**12}' 1"]
    ),
    "a price times a quantity of more than a trillion": (
        {**replaced("plans", ",10,", ",600000000000,")}, ["subscriptions.quantity times the price of the plan", "'2' 1"]
    ),
    "no amount": (replaced("orders", ",20,", ",,"), ["orders.amount", "1 of 4 rows"]),
    "SQL for a number": (replaced("orders", ",20,", ",1); drop schema marts; --,"), ["orders.amount", "drop schema"]),
    "a negative refund": (replaced("orders", ",20,0,", ",20,-1,"), ["orders.refunded_amount", "'-1'"]),
    "a negative price": (replaced("plans", ",10,", ",-10,"), ["plans.price", "'-10'"]),
    "a duplicate order": ({**GOOD, "orders": GOOD["orders"] + ORDER + "\n"}, ["orders.order_id", "2 of 5", "'o1'"]),
    "a duplicate customer": (
        {**GOOD, "customers": GOOD["customers"] + "c1,2024-01-02,DE,\n"}, ["customers.customer_id", "2 of 4 rows"]
    ),
    "a duplicate plan": ({**GOOD, "plans": GOOD["plans"] + MONTHLY + "\n"}, ["plans.plan_id", "'monthly'"]),
    "an order without a key": (replaced("orders", "o1,", ","), ["orders.order_id", "1 of 4 rows"]),
    "a customer without a key": (replaced("customers", "c3,", ","), ["customers.customer_id", "1 of 3 rows"]),
    "a subscription without a customer": (replaced("subscriptions", "s2,c2", "s2,"), ["subscriptions.customer_id"]),
    "an order of nobody we know": (replaced("orders", "o3,c3", "o3,c9"), ["orders.customer_id", "'c9'", "'o3'"]),
    "a subscription of nobody we know": (
        replaced("subscriptions", "s2,c2", "s2,c9"), ["subscriptions.customer_id", "'c9'", "'s2'"]
    ),
    "a subscription to no plan we know": (
        replaced("subscriptions", "c2,monthly", "c2,gold"), ["subscriptions.plan_id", "'gold'"]
    ),
    "customers in another case or with blanks": (
        {
            **replaced("orders", "o1,c1", "o1,C1 "),
            "subscriptions": GOOD["subscriptions"].replace(",c1,", ",C1,").replace(",c2,", ",\tc2\N{NO-BREAK SPACE},"),
        },
        [
            "orders.customer_id is a customer of the raw table customers, or empty: not so in 1 of 4 rows, "
            "such as 'C1 ' 1; at order_id 'o1'; in 1 of them, values differ only by case or blanks from one in "
            "customers, such as 'C1 ' for 'c1' 1",
            "subscriptions.customer_id is a customer of",
            "in 3 of them, values differ only by case or blanks from one in",
            r"such as 'C1' for 'c1' 2, '\tc2\xa0' for 'c2' 1",
        ],
    ),
    "orders of a customer whose zeros a spreadsheet took away": (
        {**{table: text.replace("c1,", "0071,") for table, text in GOOD.items()},
         "orders": GOOD["orders"].replace("c1,", "71,")},
        [
            "orders.customer_id is a customer of the raw table customers, or empty: not so in",
            "values differ only by case, blanks or leading zeros from one in customers, such as '71' for '0071'",
        ],
    ),
    "activity of a customer with a blank": (
        replaced("activity", "c2,", "c2\t,"),
        ["activity.customer_id", r"differ only by case or blanks from one in customers, such as 'c2\t' for 'c2' 1"],
    ),
    "a plan in another case": (
        replaced("subscriptions", "c2,monthly", "c2,Monthly"),
        ["subscriptions.plan_id", "differ only by case or blanks from one in plans, such as 'Monthly' for 'monthly' 1"],
    ),
    "a negative quantity": (replaced("subscriptions", "active,2,", "active,-2,"), ["subscriptions.quantity", "'-2'"]),
    "half a seat": (replaced("subscriptions", "active,2,", "active,1.5,"), ["subscriptions.quantity", "'1.5'"]),
    "a discount over 100": (replaced("subscriptions", "2,10,", "2,101,"), ["subscriptions.discount_percent", "'101'"]),
    "a negative discount": (replaced("subscriptions", "2,10,", "2,-1,"), ["subscriptions.discount_percent", "'-1'"]),
    "an unknown subscription status": (
        replaced("subscriptions", "monthly,active,2", "monthly,Active,2"),
        ["subscriptions.status", "'Active'", "the last stretch of an ended subscription stays active, ended_at"],
    ),
    "an order without a status": (replaced("orders", "completed,20", ",20"), ["orders.status", "1 of 4 rows"]),
    "an unknown interval": (replaced("plans", "USD,month", "USD,fortnight"), ["plans.billing_interval", "'fortnight'"]),
    "an interval count of 0": (replaced("plans", "month,1", "month,0"), ["plans.billing_interval_count", "'0'"]),
    "a tier in words": (replaced("plans", "app,1", "app,gold"), ["plans.tier", "'gold'"]),
    "an order in another currency": (replaced("orders", "20,0,USD", "20,0,EUR"), ["orders.currency", "'EUR'", "'o1'"]),
    "orders in other currencies": (
        {**GOOD, "orders": GOOD["orders"].replace("20,0,USD", "20,0,EUR").replace("5,0,USD", "5,0,EUR")
         .replace("c3,2024-02-03,completed,5,0,EUR", "c3,2024-02-03,completed,5,0,GBP")},
        [
            "orders.currency is USD (the var",
            "in 3 of 4 rows, such as 'EUR' 2, 'GBP' 1; at order_id 'o1', order_id 'o3'",
        ],
    ),
    "a paid plan in another currency": (replaced("plans", "10,USD", "10,EUR"), ["plans.currency", "'EUR'"]),
    "overlapping stretches": (
        replaced("subscriptions", "2024-01-01,2024-02-10", "2024-01-01,2024-02-11"), ["subscriptions.ended_at", "'s1'"]
    ),
    "a row delivered twice": (
        {**GOOD, "subscriptions": GOOD["subscriptions"] + STRETCH + "\n"},
        ["subscriptions.subscription_id is not delivered twice", "not so in 2 of 4 rows, such as 's2' 2"],
    ),
    "two stretches that start together": (
        {**GOOD, "subscriptions": GOOD["subscriptions"] + STRETCH.replace("2024-03-01", "2024-03-02") + "\n"},
        ["subscriptions.subscription_id is not delivered twice", "'s2' 2"],
    ),
    "two open stretches": (replaced("subscriptions", "01-01,2024-02-10", "01-01,"), ["subscriptions.ended_at", "'s1'"]),
    "ends that stand for none in most rows": (
        {**GOOD, "subscriptions": GOOD["subscriptions"].replace("2024-02-10,2024-02-01", "1970-01-01,")
         .replace("2024-03-01", "1970-01-01")},
        ["subscriptions.ended_at is before started_at in half of the rows at most", "'1970-01-01' 2"],
    ),
    "a day first": (
        replaced("orders", "2024-01-02", "31-01-2024"),
        ["orders.ordered_at is a date such as 2024-03-09, or a time in UTC such as 2024-03-09 17:30:00"],
    ),
    "the 30th of February": (replaced("orders", "2024-01-02", "2024-02-30"), ["orders.ordered_at", "'2024-02-30'"]),
    "an offset": (
        replaced("subscriptions", "05 09:30:00", "05 09:30:00+02:00"), ["subscriptions.started_at", "+02:00"]
    ),
    "an offset of hours alone": (replaced("orders", "10:00:00Z", "10:00:00-05"), ["orders.ordered_at", "10:00:00-05"]),
    "another timezone": (replaced("orders", "10:00:00Z", "10:00:00 CET"), ["orders.ordered_at", "10:00:00 CET"]),
    "no start": (replaced("subscriptions", "2024-01-05 09:30:00", ""), ["subscriptions.started_at", "1 of 3 rows"]),
    "a start in the year 9999": (
        replaced("subscriptions", "2024-01-05 09:30:00,2024-03-01", "9999-12-31,"), ["subscriptions.started_at", "9999"]
    ),
    "a sign-up in the year 9999": (replaced("customers", "2024-02-01", "9999-12-31"), ["customers.created_at", "9999"]),
    "activity without its events": (without("activity", "events"), ["activity has all columns", "'events'"]),
    "activity of nobody we know": (replaced("activity", "c2,", "c9,"), ["activity.customer_id", "'c9'", "1 of 3 rows"]),
    "activity of nobody": (replaced("activity", "c2,", ","), ["activity.customer_id", "1 of 3 rows"]),
    "negative events": (replaced("activity", ",4", ",-4"), ["activity.events", "'-4'"]),
    "half an event": (replaced("activity", ",4", ",0.5"), ["activity.events", "'0.5'"]),
    "a day of activity that is there twice": (
        replaced("activity", "03-08", "03-01"), ["activity.activity_date", "2 of 3 rows", "'2024-03-01'"]
    ),
    "activity with a time": (replaced("activity", "03-08", "03-08 09:30:00"), ["activity.activity_date", "09:30:00"]),
    "activity on no day": (replaced("activity", "2024-03-08", ""), ["activity.activity_date", "1 of 3 rows"]),
    **{
        f"an amount of {amount}": (
            with_amount(amount),
            ["subscriptions.amount is a decimal number >= 0 and below 1,000,000,000,000, or empty", f"'{amount}' 1"],
        )
        for amount in ("-0.01", "1000000000000", "twelve", "NaN", "1.2.3")
    },
    "an amount of a trillion per month": (
        {**with_amount("300000000000", "weekly"), "plans": GOOD["plans"] + "weekly,W,app,1,1,USD,week,1\n"},
        ["subscriptions.quantity times the price of the plan, or the amount, is below 1,000,000,000,000 per month"],
    ),
    "an amount for a free plan in another currency": (
        {**with_amount("5", "free"), "plans": GOOD["plans"] + "free,Free,app,0,0,EUR,month,1\n"},
        ["plans.currency is USD (the var", "'EUR' 1; at plan_id 'free'"],
    ),
    "other currencies and exchange rates without a row": (
        {**with_rates("", plans=EURO_PLAN, orders=EURO_ORDER), "exchange_rates": "currency,date,rate\n"},
        ["plans.currency is USD (the var reporting_currency) wherever a plan is paid, unless there are exchange_rates"],
    ),
    "exchange rates without a rate": (
        {**GOOD, "exchange_rates": "currency,date\nEUR,2024-01-01\n"},
        ["exchange_rates has all columns of the contract", "missing 'rate'"],
    ),
    **{
        f"a rate of {rate!r}": (
            with_rates(f"EUR,2024-01-01,{rate}"),
            ["exchange_rates.rate is a decimal number > 0 and below 10,000,000: not so in 1 of 1", "currency 'EUR'"],
        )
        for rate in ("0", "-1.1", "0.00000000001", "10000000", "n/a", "", "Infinity", "true")
    },
    "a rate of no currency": (with_rates(",2024-01-01,1.1"), ["exchange_rates.currency is never empty"]),
    "a rate of no day": (with_rates("EUR,,1.1"), ["exchange_rates.date is a date without a time", "1 of 1 rows"]),
    "a rate of an hour": (with_rates("EUR,2024-01-01 10:00:00,1.1"), ["exchange_rates.date is a date without a time"]),
    "two rates of one day": (
        with_rates("EUR,2024-01-01,1.1\nGBP,2024-01-01,1.3\neur,2024-01-01,1.2"),
        ["exchange_rates.date is there once per currency: not so in 2 of 3 rows, such as '2024-01-01' 2"],
    ),
    "a paid plan in a currency without a rate": (
        with_rates("GBP,2024-01-01,1.3", plans=EURO_PLAN),
        [
            "exchange_rates has a rate of each paid plan's currency on or before the first start of its subscriptions: "
            "not so, found EUR from 2024-01-01, which has no rate"
        ],
    ),
    "a paid plan in a currency whose first rate is of the day after the first start": (
        with_rates("EUR,2024-01-02,1.1", plans=EURO_PLAN),
        ["not so, found EUR from 2024-01-01, its first rate is of 2024-01-02"],
    ),
    "an amount for a free plan in a currency without a rate": (
        {**with_rates(EUROS), **with_amount("5", "free"), "plans": GOOD["plans"] + "free,Free,app,0,0,GBP,month,1\n"},
        ["not so, found GBP from 2024-01-05, which has no rate"],
    ),
    "an order in a currency without a rate": (
        with_rates("GBP,2024-01-01,1.3", orders=EURO_ORDER),
        [
            "exchange_rates has a rate of each countable order's currency on or before its date: not so, found EUR "
            "from 2024-01-02, which has no rate"
        ],
    ),
    "an order before the first rate of its currency": (
        with_rates("EUR,2024-01-03,1.1", orders=EURO_ORDER),
        ["not so, found EUR from 2024-01-02, its first rate is of 2024-01-03"],
    ),
    "an order of no currency beside exchange rates": (
        with_rates(EUROS, orders=replaced("orders", "20,0,USD", "20,0,")["orders"]), ["orders.currency", "1 of 4 rows"]
    ),
    "amounts of a trillion in the reporting currency": (
        with_rates("EUR,2024-01-01,1000000", plans=EURO_PLAN.replace(",10,EUR", ",600000,EUR")),
        ["exchange_rates keeps every amount below 1,000,000,000,000 in the reporting currency", "EUR 1200000.0 at"],
    ),
    "an order in the year 1": (replaced("orders", "2024-01-02", "0001-01-01"), ["orders.ordered_at", "0001"]),
}  # fmt: skip


def spelled(old: str, new: str) -> dict[str, str]:
    """The good data with a customer's id spelled otherwise everywhere."""
    return {table: text.replace(f"{old},", f"{new},") for table, text in GOOD.items()}


# Name of the mutation -> the raw tables, a query on the marts and what it must answer.
MRR = "select sum(mrr_change) from marts.mrr_movements where mrr_change > 0"
ORDERS = "select count(customer_key) as orders from intermediate.int_order_sequence"
SAME = [(f"{MRR}", "28.000000"), (ORDERS, "3")]
FLOWS_ON: dict[str, tuple[Tables, list[tuple[str, str]]]] = {
    "the good data": (GOOD, SAME),
    "a byte-order mark": (encoded("customers", "utf-8-sig"), SAME),
    "CRLF": ({table: text.replace("\n", "\r\n") for table, text in GOOD.items()}, SAME),
    "no newline at the end": ({table: text.rstrip("\n") for table, text in GOOD.items()}, SAME),
    "columns in another case": (
        {table: head.upper() + rest for table, (head, rest) in HEADS.items()}, SAME
    ),
    "twelve subscriptions of a customer at a trillion less a cent": (
        {
            **replaced("plans", ",10,", ",999999999999.99,"),
            "subscriptions": f"{SUBSCRIPTIONS}\n" + "".join(
                f"s{number},c1,monthly,active,1,0,2024-01-01,2024-02-10,,\n" for number in range(12)
            ),
        },
        [(MRR, "11999999999999.880000"), ("select min(mrr_change) from marts.mrr_movements", "-11999999999999.880000")],
    ),
    "more columns": ({table: text.replace("\n", ",more\n") for table, text in GOOD.items()}, SAME),
    "quotes and newlines in a field": (
        replaced("subscriptions", "too expensive", '"too ""expensive"",\nhe said"'), SAME
    ),
    "a cell of 1 MB": (replaced("subscriptions", "too expensive", "x" * 1_000_000), SAME),
    "ids that differ in case": ({**spelled("c2", "C1")}, [*SAME, ("select count(*) from staging.stg_customers", "3")]),
    "ids that differ in trailing blanks": (
        spelled("c2", "c1 "), [*SAME, ("select count(*) from staging.stg_customers", "3")]
    ),
    "emoji": (
        spelled("c1", "🦊"),
        [*SAME, ("select count(*) from staging.stg_orders where customer_id = '🦊'", "2")],
    ),
    "SQL for an id": (
        spelled("c1", "'; drop schema marts; --"),
        [*SAME, ("select max(order_number) from intermediate.int_order_sequence", "2")],
    ),
    "no orders, header only": (
        {**GOOD, "orders": GOOD["orders"].splitlines()[0] + "\n"}, [SAME[0], (ORDERS, "0")]
    ),
    "no subscriptions, header only": (
        {**GOOD, "subscriptions": GOOD["subscriptions"].splitlines()[0] + "\n"}, [(MRR, "None"), SAME[1]]
    ),
    "no activity, header only": ({**GOOD, "activity": GOOD["activity"].splitlines()[0] + "\n"}, SAME),
    "no activity, no file": ({**GOOD, "activity": None}, SAME),
    "no exchange rates, header only": ({**GOOD, "exchange_rates": "currency,date,rate\n"}, SAME),
    "exchange rates that nobody needs, one of the reporting currency": (with_rates(EUROS + "\nUSD,2024-01-01,7"), SAME),
    "a plan and orders in other currencies, spelled in any case": (
        with_rates(
            EUROS.replace("EUR,2024-02", "eur,2024-02"),
            plans=EURO_PLAN.replace("EUR", "Eur"),
            orders=EURO_ORDER.replace("EUR", "eur").replace("-7,0,USD", "-7,0,JPY"),
        ),
        [
            (MRR, "30.800000"),
            (ORDERS, "3"),
            ("select max(revenue) from marts.repeat_purchase_by_period where period_grain = 'year'", "57.5000000000"),
        ],
    ),
    "a free plan in a currency without a rate": (
        with_rates(EUROS, plans=GOOD["plans"] + "free,Free,app,0,0,GBP,month,1\n",
                   subscriptions=GOOD["subscriptions"] + "s9,c3,free,active,1,0,2024-01-01,,,\n"),
        SAME,
    ),
    "no amounts": (with_amount(""), SAME),
    "an amount": (with_amount("0.5"), [(MRR, "10.500000"), SAME[1]]),
    "an amount of zero": (with_amount("0"), [(MRR, "10.000000"), SAME[1]]),
    "an e-mail address": (
        {**GOOD, "customers": GOOD["customers"].replace("\n", ",ann@x.org\n").replace(",ann@x.org", ",email", 1)},
        [*SAME, ("select count(*) from duckdb_columns() where schema_name = 'marts' and column_name = 'email'", "0")],
    ),
    "an end in the year 9999 is an open end": (
        replaced("subscriptions", "09:30:00,2024-03-01", "09:30:00,9999-12-31"),
        [("select count(*) from intermediate.int_mrr_stretches where mrr > 0 and end_date is null", "2")],
    ),
    "an end before the start has no effect": (
        replaced("subscriptions", "09:30:00,2024-03-01", "09:30:00,0001-01-01"), [(MRR, "10.000000"), SAME[1]]
    ),
    "a stretch of no length beside one of length": (
        {**GOOD, "subscriptions": GOOD["subscriptions"] + STRETCH.replace("2024-03-01", "2024-01-05 09:30:00") + "\n"},
        SAME,
    ),
    "a guest's order": (
        replaced("orders", "o1,c1", "o1,"),
        [(ORDERS, "2"), ("select max(orders) from marts.repeat_purchase_by_period where period_grain = 'year'", "3")],
    ),
    "orders of guests and no customers at all": (
        {
            **{table: text.splitlines()[0] + "\n" for table, text in GOOD.items()},
            "orders": GOOD["orders"].replace(",c1,", ",,").replace(",c2,", ",,").replace(",c3,", ",,"),
        },
        [(ORDERS, "0"), ("select max(orders) from marts.repeat_purchase_by_period where period_grain = 'year'", "3")],
    ),
    "an order in another currency that does not count": (replaced("orders", "-7,0,USD", "-7,0,EUR"), SAME),
    "an unknown country": (replaced("customers", "DE", "Germany"), SAME),
    "statuses in other cases": ({**GOOD, "orders": GOOD["orders"].replace("completed", " Completed ")}, SAME),
    "tabs and no-break spaces around statuses, and alone as a country": (
        {
            **replaced("customers", "DE", "\t\N{NO-BREAK SPACE} "),
            "orders": GOOD["orders"].replace("completed", "\tcompleted\N{NO-BREAK SPACE}"),
        },
        [*SAME, (
            "select sum(orders) from marts.repeat_purchase_by_period"
            " where period_grain = 'year' and segment = 'country' and segment_value = 'unknown'", "3",
        )],
    ),
    "currencies in lower case": ({table: text.replace("USD", "usd") for table, text in GOOD.items()}, SAME),
    "UTC that says so": (
        {
            **replaced("orders", "10:00:00Z", "10:00:00 UTC"),
            "subscriptions": GOOD["subscriptions"].replace("09:30:00,", "09:30:00+00,")
            .replace("03-01,", "03-01T00:00+00:00,"),
        },
        SAME,
    ),
    "semicolons": ({table: text.replace(",", ";") for table, text in GOOD.items()}, SAME),
    "semicolons with commas for decimals in a text": (
        {**GOOD, "subscriptions": GOOD["subscriptions"].replace(",", ";").replace("too expensive", "1,5, 2,5, 3,5, 4")},
        SAME,
    ),
    "tabs": ({table: text.replace(",", "\t") for table, text in GOOD.items()}, SAME),
}  # fmt: skip

# What is said of the good data: o4, which does not count, has an amount below its refund.
REFUNDED = (
    "info: orders.refunded_amount is not more than the amount: not so in 1 of 4 rows, such as '0' 1; at order_id 'o4'"
)
INCLUSIVE = {
    **GOOD,
    "subscriptions": f"""{SUBSCRIPTIONS}
s1,c1,monthly,active,2,0,2023-12-01,2023-12-31,,
s2,c1,monthly,active,2,0,2024-01-01,2024-01-31,,
s3,c1,monthly,active,2,0,2024-02-01,,,
""",
}  # fmt: skip


def ended(text: str) -> dict[str, str]:
    """The good data with another end of the subscription s2, which starts on 2024-01-05."""
    return replaced("subscriptions", "09:30:00,2024-03-01", f"09:30:00,{text}")


# Name of the mutation -> the raw tables, further vars, and the lines, or parts of lines, that the guard must say.
CLOCK = {"as_of_date": None}
SAID: dict[str, tuple[Tables, dict[str, Any], list[str]]] = {
    "inclusive ends": (INCLUSIVE, {}, [
        "warning: subscriptions.ended_at is the first instant after the subscription", "the var ended_at_is_inclusive",
        "not so in 2 of 3 rows, such as '2023-12-31' 1, '2024-01-31' 1",
    ]),
    "ends at the last second": (
        {**INCLUSIVE, "subscriptions": INCLUSIVE["subscriptions"].replace("-31,", "-31 23:59:59,")}, {},
        ["warning: subscriptions.ended_at is the first instant after", "'2023-12-31 23:59:59' 1"],
    ),
    **{
        f"an end at {text}": (
            ended(text), {},
            [
                "warning: subscriptions.ended_at is not before started_at; such rows have no effect",
                f"not so in 1 of 3 rows, such as '{text}' 1",
            ],
        )
        for text in ("1970-01-01", "1900-01-01", "0001-01-01", "23-03-01", "epoch", "-infinity")
    },
    "an end at the start": (
        ended("2024-01-05 09:30:00"), {}, ["info: subscriptions.ended_at is later than started_at: not so in 1 of 3"]
    ),
    "an order below zero": (replaced("orders", ",30.5,", ",-30.5,"), {}, [
        "warning: orders.amount is not below zero; such a row of a status that counts is a correction, its revenue",
        "not so in 1 of 4 rows, such as '-30.5' 1; at order_id 'o2'",
    ]),
    "a status in another case": (replaced("orders", "completed,20", "Completed,20"), {}, [
        "warning: orders.status has no values that differ only by case or blanks from a status that counts",
        "not so in 1 of 4 rows, such as 'Completed' 1",
    ]),
    "customers in another case": (spelled("c2", "C1"), {}, [
        "warning: customers.customer_id has no values that differ only by case or blanks: not so in 2 of 3 rows",
        "such as 'C1' 1, 'c1' 1",
    ]),
    "mail addresses in another case": (
        {table: text.replace("c1,", "Ann@x.org,").replace("c2,", "ann@x.org,") for table, text in GOOD.items()}, {},
        ["customers.customer_id has no values that differ only by case or blanks", "'Ann@x.org' 1, 'ann@x.org' 1"],
    ),
    "an order with a blank": (replaced("orders", "o1,", "o2 ,"), {}, [
        "warning: orders.order_id has no values that differ only by case or blanks: not so in 2 of 4", "'o2 ' 1",
    ]),
    "customers with a tab and a no-break space": (
        {
            table: text.replace("c2,", "c1\t,").replace("c3,", "c1\N{NO-BREAK SPACE},")
            for table, text in GOOD.items()
        },
        {},
        [
            "warning: customers.customer_id has no values that differ only by case or blanks: not so in 3 of 3",
            r"'c1' 1, 'c1\t' 1, 'c1\xa0' 1",
        ],
    ),
    "plans and subscriptions in another case": (
        {table: text.replace("yearly,", "Monthly,").replace("s2,", "S1,") for table, text in GOOD.items()}, {},
        [f"{key} has no values that differ only" for key in ("plans.plan_id", "subscriptions.subscription_id")],
    ),
    **{
        f"a customer called {text!r}": (spelled("c2", text), {}, [
            f"warning: {table}.customer_id has no value that reads like a missing value: "
            f"not so in 1 of {rows} rows, such as {text!r} 1"
            for table, rows in [("customers", 3), ("orders", 4), ("subscriptions", 3)]
        ])
        for text in (
            "nan", "NULL", "None", "<NA>", "\\N", "#NA", " ", "\t", "\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}"
        )
    },
    "segment values in another case": (replaced("customers", "c3,2024-02-01,,ads", "c3,2024-02-01,de,Ads"), {}, [
        "info: customers has no segment values that differ only by case or blanks: not so, found",
        "customers.country 'DE' 1, 'de' 1", "customers.acquisition_channel 'Ads' 1, 'ads' 1",
    ]),
    "fractions for percents": (replaced("subscriptions", "2,10,", "2,0.1,"), {}, [
        "warning: subscriptions.discount_percent is above 1 somewhere, where there are discounts: not so in 1 of 3",
        "'0.1' 1",
    ]),
    "rates that are older than 7 days when they are used": (
        with_rates("EUR,2024-01-01,1.1\nEUR,2024-01-25,1.2", orders=EURO_ORDER.replace("5,0,USD", "5,0,EUR")
                   .replace("2024-01-02", "2024-01-09")),
        {},
        [
            "warning: exchange_rates is used within 7 days of its date: not so, found EUR of 2024-02-03, 9 days after "
            "the rate of 2024-01-25, EUR of 2024-01-09, 8 days after the rate of 2024-01-01",
        ],
    ),
    "rates that ended while a subscription runs": (
        with_rates("EUR,2024-01-01,1.1", plans=GOOD["plans"].replace("USD", "EUR")), {},
        ["warning: exchange_rates is used within 7 days of its date: not so, found EUR of 2024-02-29, 59 days after"],
    ),
    "an order far in the future": (
        replaced("orders", "2024-02-02T", "2042-02-02T"), {},
        [
            "warning: orders.ordered_at is at most latest_future_days (1) after today",
            "though as_of_date is set: not so in 1 of 4", "'2042-02-02",
        ],
    ),
    "no fact for long": (GOOD, CLOCK, [
        "warning: orders has at least one order within 40 days of as_of_date, or of today",
        "found the latest of 2024-02-04,",
        "warning: subscriptions starts at least one stretch within 40 days",
        "warning: activity has at least one day within",
        " days before today",
    ]),
    "a lone order far after all others": (replaced("orders", "2024-02-03", "2024-12-03"), CLOCK, [
        "warning: orders.ordered_at does not put as_of_date far after all other facts: "
        "not so, found the latest of 2024-12-03",
        "297 days after all other facts",
    ]),
}  # fmt: skip


# Answers what macros of the guard return: one that is named, or suite_problem of suites of orders.
ASK = """
{% macro ask(names=[], suites=[], columns=[]) %}
    {% set answers = [] %}
    {% for name in names %}{% do answers.append(context[name]()) %}{% endfor %}
    {% for suite in suites %}{% do answers.append(suite_problem('orders', suite, columns, {})) %}{% endfor %}
    {% do run_query('create or replace table main.answers as select ' ~ sql_text(tojson(answers)) ~ ' as answers') %}
{% endmacro %}
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose files each test replaces, and dbt in this process: importing it once saves most of the time."""
    folder = tmp_path_factory.mktemp("it's raw")
    marts = ["mrr_movements", "repeat_purchase_by_period", "data_quality"]
    project = lean_project(tmp_path_factory.mktemp("lean"), marts)  # its path has no quote: dbt's seeds do not bear one
    (project / "macros" / "ask.sql").write_text(ASK)
    saved = dict(os.environ)
    os.environ |= {
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "RETENTION_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "RETENTION_MARTS": str(folder / "marts.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_LOG_LEVEL_FILE": "none",
        "RETENTION_GUARD": "both",  # critical wherever the suites as SQL do not come to what Great Expectations finds
    }
    write(folder, GOOD)
    success, messages = invoke(folder, "build")
    assert success and (folder / "marts.duckdb").exists(), messages
    yield folder
    os.environ.clear()
    os.environ |= saved


def write(folder: Path, tables: Tables) -> None:
    for table, content in {"exchange_rates": None, **tables}.items():
        path = folder / f"{table}.csv"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


RAW_ALONE = ["--select", "path:models/raw"]
WHAT_READS_RAW = [*RAW_ALONE, "path:models/staging"]


def invoke(folder: Path, *arguments: str, **variables: Any) -> tuple[bool, str]:
    """Run dbt in this process on the folder's files; (whether it succeeded, the messages of what failed)."""
    given = {"raw_location": str(folder / "{table}.csv"), "as_of_date": "2024-03-01", **variables}
    finished = dbtRunner().invoke([*arguments, "--quiet", "--vars", json.dumps(given)])
    DuckDBConnectionManager.close_all_connections()
    failed = [result for result in finished.result if result.status not in ("success", "pass", "warn", "no-op")]
    return finished.success, "\n".join(f"{result.node.name} {result.message}" for result in failed)


def ask(folder: Path, **arguments: Any) -> list[Any]:
    """What macros of the guard return."""
    finished = dbtRunner().invoke(["run-operation", "ask", "--args", json.dumps(arguments), "--quiet"])
    DuckDBConnectionManager.close_all_connections()
    assert finished.success, finished.exception or finished.result.results[0].message
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        (answers,) = warehouse.execute("from main.answers").fetchone() or ("[]",)
    return list(json.loads(answers))


def test_a_process_builds_again_while_the_connection_of_the_first_build_waits_to_be_collected(workplace: Path) -> None:
    write(workplace, GOOD)
    gc.disable()
    try:
        path = str(workplace / "warehouse.duckdb")
        lock, first = lock_warehouse(path), duckdb.connect(path)
        first.create_function("run_expectations", lambda question: question, ["VARCHAR"], "VARCHAR")
        weakref.finalize(first, lock.release)
        ring: list[Any] = [first]
        ring.append(ring)  # as the frames of an error do
        del ring, first
        success, messages = invoke(workplace, "build", *RAW_ALONE)
    finally:
        gc.enable()
    assert success, messages


def lines_of_the_latest_build(folder: Path) -> list[str]:
    """What the guard said of each raw table when it last looked at it."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select message from quality.expectation_results"
            " where message is not null"
            " and build_id = (select max_by(build_id, checked_at) from quality.expectation_results)"
        ).fetchall()
    return [line for (line,) in rows]


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(workplace: Path, name: str) -> None:
    tables, named = REFUSED[name]
    write(workplace, tables)
    published = (workplace / "marts.duckdb").read_bytes()
    success, messages = invoke(workplace, "build", *WHAT_READS_RAW)
    assert not success
    assert (workplace / "marts.duckdb").read_bytes() == published
    assert [text for text in named if text not in messages] == [], messages
    assert "stg_orders" in messages  # skipped: nothing downstream was built


@pytest.mark.parametrize("name", ["a missing table", "Latin-1", "text for a number", "a duplicate order"])
def test_a_whole_build_that_is_refused_leaves_what_is_published(workplace: Path, name: str) -> None:
    tables, named = REFUSED[name]
    write(workplace, tables)
    published = (workplace / "marts.duckdb").read_bytes()
    success, messages = invoke(workplace, "build")
    assert not success and [text for text in named if text not in messages] == [], messages
    assert (workplace / "marts.duckdb").read_bytes() == published


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("orders", "amount", "true", "orders.amount is a decimal number between"),
        ("orders", "refunded_amount", "true", "orders.refunded_amount is a decimal number >= 0"),
        ("plans", "price", "true", "plans.price is a decimal number >= 0"),
        ("plans", "billing_interval_count", "true", "plans.billing_interval_count is a whole number >= 1"),
        ("subscriptions", "quantity", "true", "subscriptions.quantity is a whole number >= 0"),
        ("subscriptions", "discount_percent", "false", "subscriptions.discount_percent is a number from 0 to 100"),
        ("subscriptions", "discount_percent", "'2_0'", "subscriptions.discount_percent is a number from 0 to 100"),
        ("subscriptions", "status", "1", "subscriptions.status is trialing, active, past_due or paused; the last"),
        ("orders", "currency", "1", "orders.currency is a code of three letters: cannot be run: "),
        ("orders", "ordered_at", "20240102", "orders.ordered_at is a date such as 2024-03-09"),
    ],
)
def test_a_parquet_column_of_another_type_is_refused(
    workplace: Path, table: str, column: str, value: str, message: str
) -> None:
    write(workplace, GOOD)
    with duckdb.connect() as connection:
        for name in GOOD:
            replaces = f"* replace ({value} as {column})" if name == table else "*"
            source, target = (text(workplace / f"{name}.{ending}") for ending in ("csv", "parquet"))
            connection.execute(f"copy (select {replaces} from read_csv({source}, all_varchar = true)) to {target}")
    location = str(workplace / "{table}.parquet")
    success, messages = invoke(workplace, "build", *RAW_ALONE, raw_location=location)
    assert not success
    assert message in messages and "[SQL" not in messages, messages


@pytest.mark.parametrize("name", FLOWS_ON)
def test_it_flows_on(workplace: Path, name: str) -> None:
    tables, answers = FLOWS_ON[name]
    write(workplace, tables)
    asked = {f"+{name}" for sql, _ in answers for name in re.findall(r"(?:staging|intermediate|marts)\.(\w+)", sql)}
    success, messages = invoke(workplace, "build", *WHAT_READS_RAW, *sorted(asked), accept_restatement=True)
    assert success, messages
    with duckdb.connect(str(workplace / "warehouse.duckdb"), read_only=True) as warehouse:
        assert [(sql, str(warehouse.execute(sql).fetchall()[0][0])) for sql, _ in answers] == answers


@pytest.mark.parametrize("name", SAID)
def test_it_is_said(workplace: Path, name: str) -> None:
    tables, variables, said = SAID[name]
    write(workplace, tables)
    success, messages = invoke(workplace, "build", *RAW_ALONE, **variables)
    assert success, messages
    lines = "\n".join(lines_of_the_latest_build(workplace))
    assert [text for text in said if text not in lines] == [], lines


def test_nothing_is_said_of_good_data(workplace: Path) -> None:
    for change_case in (str, str.upper):
        write(workplace, {table: change_case(head) + rest for table, (head, rest) in HEADS.items()})
        assert invoke(workplace, "build", *RAW_ALONE)[0]
        assert lines_of_the_latest_build(workplace) == [REFUNDED]


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        ("orders", "2024-02-02T", "2062-02-02T", "orders.ordered_at"),
        ("subscriptions", "2024-01-05 09:30:00,2024-03-01", "2042-01-05,", "subscriptions.started_at"),
        ("customers", "2024-02-01", "2042-02-01", "customers.created_at"),
    ],
)
def test_the_future_is_refused_where_it_would_make_as_of_date(
    workplace: Path, table: str, old: str, new: str, column: str
) -> None:
    write(workplace, replaced(table, old, new))
    success, messages = invoke(workplace, "build", *RAW_ALONE, **CLOCK)
    assert not success
    assert f"critical: {column} is at most latest_future_days (1) after today" in messages
    assert f"{new.split(',')[0]}" in messages
    assert invoke(workplace, "build", *RAW_ALONE, **CLOCK, latest_future_days=20_000)[0]


def test_inclusive_ends_are_the_day_itself(workplace: Path) -> None:
    """A stretch a month, each with its last day as its end, is one customer without churn."""
    for write_end in ("2023-12-31", "2023-12-31 23:59:59", "2023-12-31 00:00:00"):
        write(workplace, {table: text.replace("2023-12-31", write_end) for table, text in INCLUSIVE.items()})
        success, messages = invoke(workplace, "build", ended_at_is_inclusive=True, accept_restatement=True)
        assert success, messages
        assert [line for line in lines_of_the_latest_build(workplace) if "ended_at" in line] == []
        with duckdb.connect(str(workplace / "warehouse.duckdb"), read_only=True) as warehouse:
            ends = warehouse.execute("select ended_at::varchar from staging.stg_subscriptions order by 1").fetchall()
            assert ends == [("2024-01-01 00:00:00",), ("2024-02-01 00:00:00",), (None,)]
            movements = warehouse.execute("select movement_type, mrr_change from marts.mrr_movements").fetchall()
            assert movements == [("new", 20)]
    write(workplace, GOOD)  # half-open ends with that var overlap by a day
    success, messages = invoke(workplace, "build", *RAW_ALONE, ended_at_is_inclusive=True)
    assert not success and "subscriptions.ended_at is not later than the start of" in messages


def test_one_unreadable_file_leaves_the_other_guards_at_work(workplace: Path) -> None:
    broken = replaced("orders", ",20,", ",twenty,")
    write(workplace, {**broken, "customers": GOOD["customers"].replace("DE", '"DE')})
    success, messages = invoke(workplace, "build", *RAW_ALONE)
    assert not success
    assert "customers cannot be read" in messages and "customers.csv, line 2: a double quote" in messages
    assert "critical: orders.amount is a decimal number" in messages and "'twenty'" in messages
    assert "orders.customer_id" not in messages and "guard_subscriptions" not in messages


@pytest.mark.parametrize("var", [{}, {"accept_restatement": True}])
def test_no_rows_where_there_were_some(workplace: Path, var: dict[str, Any]) -> None:
    write(workplace, GOOD)
    assert invoke(workplace, "build", accept_restatement=True)[0]
    write(workplace, {table: text.splitlines()[0] + "\n" for table, text in GOOD.items()} | {"activity": None})
    success, messages = invoke(workplace, "build", *RAW_ALONE, **var)
    assert success == bool(var)
    rows = {"customers": 3, "plans": 2, "subscriptions": 3, "orders": 4, "activity": 3}
    for table, count in rows.items() if not var else ():
        assert f"critical: {table} has rows, as at the last successful build" in messages
        assert f"not so, found 0 instead of {count}" in messages


def test_prices_in_cents(workplace: Path) -> None:
    write(workplace, GOOD)
    assert invoke(workplace, "build", accept_restatement=True)[0]
    cents = {"plans": GOOD["plans"].replace(",10,", ",1000,").replace(",120,", ",12000,")}
    write(workplace, {**GOOD, **cents, "orders": GOOD["orders"].replace(",20,", ",2000,").replace("30.5", "3050")})
    assert invoke(workplace, "build", *RAW_ALONE)[0]
    lines = lines_of_the_latest_build(workplace)
    found = "found a mean of 6500.0 instead of 65.0"
    assert f"warning: plans.price has about the mean of the last successful build: not so, {found}" in lines
    assert any(line.startswith("warning: orders.amount has about the mean of the last") for line in lines)


def test_a_bare_date_on_a_day_with_two_midnights_is_the_first(workplace: Path) -> None:
    write(workplace, {
        **GOOD,
        "orders": GOOD["orders"].replace("2024-01-02", "2018-11-04").replace("2024-02-03", "2018-11-05"),
        "subscriptions": GOOD["subscriptions"].replace("09:30:00,2024-03-01", "09:30:00,infinity"),
    })  # fmt: skip
    success, messages = invoke(workplace, "build", *WHAT_READS_RAW, reporting_timezone="America/Havana")
    assert success, messages
    with duckdb.connect(str(workplace / "warehouse.duckdb"), read_only=True) as warehouse:
        query = "select ordered_at::varchar from staging.stg_orders where order_id in ('o1', 'o3') order by 1"
        assert warehouse.execute(query).fetchall() == [("2018-11-04 04:00:00",), ("2018-11-05 05:00:00",)]
        assert warehouse.execute("select bool_or(isinf(ended_at)) from staging.stg_subscriptions").fetchone() == (True,)


def test_csv_separator(workplace: Path) -> None:
    write(workplace, {table: text.replace(",", "|") for table, text in GOOD.items()})
    assert invoke(workplace, "build", *RAW_ALONE, csv_separator="|")[0]


# --- suites that are wrong ---


def suite(**changes: Any) -> dict[str, Any]:
    """A suite of one good expectation, changed; a value of None takes the key away."""
    expectation = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "order_id"},
        "description": "is never empty",
        "severity": "critical",
        **changes,
    }
    return {"name": "orders", "expectations": [{key: item for key, item in expectation.items() if item is not None}]}


WRONG_SUITES: list[tuple[Any, str]] = [
    (None, "expectations/orders.yml is not a suite"),
    ("is never empty", "expectations/orders.yml is not a suite"),
    ({"name": "orders"}, "expectations/orders.yml is not a suite"),
    ({"name": "orders", "expectations": []}, "expectations/orders.yml holds no expectation"),
    (suite(type="expect_column_values_to_be_nice"), "expect_column_values_to_be_nice"),
    (suite(severity="warn"), "severity is one of critical, warning, info"),
    (suite(severity=None), "severity is one of critical, warning, info"),
    (suite(description=None), "the description, the expectation in words, is missing"),
    (suite(kwargs={"column": "order_id", "at_most": 1}), "at_most"),
    (suite(kwargs={}), "column"),
    (suite(kwargs={"column": "order_key"}), "the contract knows no column order_key of orders"),
    (suite(meta={"column": "order_key"}), "the contract knows no column order_key of orders"),
    ({"name": "orders", "expectations": 2 * suite()["expectations"]}, "is there twice"),
    ({**suite(), "meta": {"key": ["order_key"]}}, "the contract knows no key order_key of orders"),
    ({**suite(), "meta": {"key": "order_id"}}, "expectations and meta: key are lists"),
    (suite(meta={"quarantine": True}), "the suite must name their key"),
    (
        suite(
            type="expect_column_pair_values_a_to_be_greater_than_b",
            kwargs={"column_A": "amount", "column_B": "refunded_amount"},
        ),
        "lets rows with a null in one of several columns pass",
    ),
    (
        suite(type="expect_compound_columns_to_be_unique", kwargs={"column_list": ["order_id", "customer_id"]}),
        "guard nothing",
    ),
    (
        suite(type="expect_multicolumn_sum_to_equal", kwargs={"column_list": ["amount"], "sum_total": 1}),
        "say it as an unexpected_rows_expectation",
    ),
    (suite(kwargs="column"), "are mappings"),
    ({"name": "orders", "expectations": ["is never empty"]}, "are mappings"),
    (["is never empty"], "expectations/orders.yml is not a suite"),
]


@pytest.mark.parametrize(("content", "message"), WRONG_SUITES)
def test_a_suite_that_is_wrong_fails_loudly(content: Any, message: str) -> None:
    with pytest.raises(guard.SuiteError) as problem:
        guard.load_suite("orders", content, RAW_COLUMNS["orders"])
    assert message in str(problem.value)


def test_a_suite_that_is_wrong_fails_as_loudly_where_it_is_rendered(workplace: Path) -> None:
    suites, messages = zip(*WRONG_SUITES)
    problems = ask(workplace, suites=suites, columns=RAW_COLUMNS["orders"])
    assert [(message, problem) for message, problem in zip(messages, problems) if message not in (problem or "")] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"type": "expect_column_values_to_be_increasing"},
            "it is not rendered for duckdb; say it as an unexpected_rows",
        ),
        (
            {"kwargs": {"column": "order_id", "row_condition": "x"}},
            "row_condition is not rendered for duckdb; say it as",
        ),
        ({"type": "expect_column_values_to_be_in_set"}, "value_set is missing"),
        ({"kwargs": {"column": "order_id", "mostly": "most"}}, "mostly is a share from 0 to 1"),
        ({"kwargs": {"column": "order_id", "mostly": 0.9}}, None),
        ({}, None),
    ],
)
def test_what_cannot_be_rendered_is_refused_by_name(workplace: Path, changes: Row, message: str | None) -> None:
    (problem,) = ask(workplace, suites=[suite(**changes)], columns=RAW_COLUMNS["orders"])
    if message:
        assert message in problem and problem.startswith(
            "expectations/orders.yml, expectation 1 (expect_column_values_"
        )
    else:
        assert problem is None


# Standard SQL that suites may use beside the vocabulary: every engine has it, and means the same by it.
STANDARD = """
    abs and as avg bool_or case cast coalesce count date_trunc exists filter from greatest in join lead lower max min
    not on or over select sum then upper when where with
""".split()


def test_suites_speak_the_vocabulary_and_every_engine_has_all_of_it(workplace: Path) -> None:
    names = ["guard_vocabulary", "guard_aggregates"]
    engines = ["duckdb__guard_bodies", "postgres__guard_bodies", "spark__guard_bodies"]
    heads, aggregates, *bodies = ask(workplace, names=names + engines)
    vocabulary = {head.partition("(")[0] for head in heads}
    for engine, body in zip(engines, bodies):
        assert set(body) == vocabulary and all(body.values()), engine
    said: set[str] = set()
    for table in {**RAW_COLUMNS, **RATE_COLUMNS}:
        for expectation in suite_of(ROOT, table)["expectations"]:
            query = re.sub(r"'[^']*'", "''", expectation["kwargs"].get("unexpected_rows_query", ""))
            said |= set(re.findall(r"(\w+)\s*\(", query))
            assert set(re.findall(r"\bas (\w+)\)", query)) <= {"date", "timestamp"}, query  # types of casts
            assert not re.search(r"::|\[|\bexclude\b|\bqualify\b|\binterval\s+\d|(?<![.\d])\d+ / \d", query), query
    assert said - vocabulary - set(aggregates) - set(STANDARD) == set()
    used_by_others = {word for body in bodies for text in body.values() for word in re.findall(r"(\w+)\(", text)}
    assert vocabulary - said - used_by_others == set()  # nothing that nobody says


def test_judges_that_do_not_agree_are_critical() -> None:
    ours = guard.Outcome("orders", 4, "amount", "some_type", "is a number", "critical", success=False, failed=2)
    same = {
        "type": "some_type", "column": "amount", "words": "is a number", "success": False, "failed": 2, "lacking": [],
        "query": "select 1",
    }  # fmt: skip
    guard.compare("orders", [ours], None)
    guard.compare("orders", [ours], {"problem": None, "outcomes": [same]})
    for change in ({"failed": 1}, {"success": True}, {"lacking": ["orders.amount"]}):
        with pytest.raises(guard.SuiteError, match=r"Great Expectations finds .* the same in SQL"):
            guard.compare("orders", [ours], {"problem": None, "outcomes": [{**same, **change}]})
    with pytest.raises(guard.SuiteError, match="not rendered"):
        guard.compare("orders", [ours], {"problem": "it is not rendered", "outcomes": []})


def test_the_suites_are_loaded_whole() -> None:
    for table, columns in {**RAW_COLUMNS, **RATE_COLUMNS}.items():
        written = suite_of(ROOT, table)["expectations"]
        loaded = guard.load_suite(table, suite_of(ROOT, table), [*columns, *OPTIONAL_COLUMNS.get(table, [])])
        assert [e.configuration.type for e in loaded.expectations] == [e["type"] for e in written]
        assert [e.severity.value for e in loaded.expectations] == [e["severity"] for e in written]
        assert set(loaded.key) <= set(columns)


# --- SQL alone, as on other engines ---


def results(folder: Path) -> list[Row]:
    """What the guard wrote down when it last looked."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        cursor = warehouse.execute(
            "select * exclude (checked_at) from quality.expectation_results"
            " where build_id = (select max_by(build_id, checked_at) from quality.expectation_results)"
            " order by all"
        )
        return [dict(zip([column[0] for column in cursor.description], row)) for row in cursor.fetchall()]


@pytest.mark.parametrize(
    ("tables", "var"),
    [
        (REFUSED["customers in another case or with blanks"][0], {}),
        (REFUSED["orders in other currencies"][0], {}),
        (REFUSED["a missing table"][0], {}),
        (without("orders", "amount"), {}),
        (SAID["segment values in another case"][0], {}),
        (SAID["inclusive ends"][0], {}),
        (GOOD, CLOCK),
    ],
)
def test_sql_alone_says_and_writes_down_the_same(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, tables: Tables, var: Row
) -> None:
    write(workplace, tables)
    found, builds = [], set()
    for judge in ("", "sql"):
        monkeypatch.setenv("RETENTION_GUARD", judge)
        success, messages = invoke(workplace, "build", *RAW_ALONE, **var)
        rows = results(workplace)
        builds.add(rows[0]["build_id"])
        written = [{name: value for name, value in row.items() if name != "build_id"} for row in rows]
        found.append((success, re.findall("(?:critical|warning): .*", messages), written))
    assert found[0] == found[1] and len(builds) == 2


def test_a_judge_that_is_not_known(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_GUARD", "SQL")
    success, messages = invoke(workplace, "build", *RAW_ALONE)
    assert not success and "RETENTION_GUARD is sql, both or not set, not 'SQL'" in messages


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose suites a test may edit, with a model or two behind the guard."""
    return lean_project(tmp_path, ["repeat_purchase_by_period", "data_quality"])


@pytest.fixture
def edited(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy of the project whose suites a test may edit, for dbt in this process."""
    for name, path in {
        "DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": project, "RETENTION_WAREHOUSE": tmp_path / "warehouse.duckdb",
        "RETENTION_MARTS": tmp_path / "marts.duckdb", "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(path))
    return project


def test_sql_alone_sets_rows_aside(edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETENTION_GUARD", "sql")
    meta = {"column": "amount", "quarantine": True, "mostly": 0.7}
    edit(edited, "orders", place("orders", f"amount {DECIMAL}"), meta=meta)
    for orders, set_aside, staged in [
        (GOOD["orders"].replace("30.5,0,USD", "NaN,0,USD"), "o2", 3),  # one of four
        (GOOD["orders"].replace("30.5", "NaN").replace(",5,0", ",NaN,0"), None, None),  # two of four
        (GOOD["orders"], None, 4),
    ]:
        write(tmp_path, {**GOOD, "orders": orders})
        success, messages = invoke(tmp_path, "build", *WHAT_READS_RAW)
        assert success == (staged is not None), messages
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            kept = warehouse.execute("select row_key ->> 'order_id', row_content ->> 'amount' from quality.quarantine")
            assert kept.fetchall() == ([(set_aside, "NaN")] if set_aside else [])
            if staged:
                assert warehouse.execute("select count(*) from staging.stg_orders").fetchone() == (staged,)
            else:
                assert f"critical: orders.amount {DECIMAL}: not so in 2 of 4 rows, such as 'NaN' 2; at" in messages
        told = [line for line in lines_of_the_latest_build(tmp_path) if "in quarantine" in line]
        assert [line.startswith("warning: orders.amount") and "; 1 row is in quarantine" in line for line in told] == (
            [True] if set_aside else []
        )


def test_every_expectation_that_is_rendered_means_what_great_expectations_means(
    edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a column with a null, a value twice, and others: each as it is, and with a tolerance above and below."""
    monkeypatch.setenv("RETENTION_GUARD", "both")
    values = ["", "de", "de", "US", "it", "FR"]
    rows = "".join(f"c{number},2024-01-01,{value},ads\n" for number, value in enumerate(values))
    write(tmp_path, {table: head + "\n" for table, (head, _) in HEADS.items()})
    write(tmp_path, {"customers": HEADS["customers"][0] + "\n" + rows})
    arguments: dict[str, Row] = {
        "not_be_null": {}, "be_null": {}, "be_unique": {},
        "be_in_set": {"value_set": ["de", "it"]}, "not_be_in_set": {"value_set": ["de", "it"]},
        "match_regex": {"regex": "^[A-Z]{2}$"}, "not_match_regex": {"regex": "^it$|^d"},
    }  # fmt: skip
    expectations = [
        {
            "type": f"expect_column_values_to_{name}", "severity": "info", "description": f"{name} {tolerance}",
            "kwargs": {"column": "country", **more, **tolerance},
        }
        for name, more in arguments.items()
        for tolerance in ({}, {"mostly": 0.1}, {"mostly": 0.4}, {"mostly": 0.6}, {"mostly": 0.9})
    ]  # fmt: skip
    path = edited / "expectations" / "customers.yml"
    content = yaml.safe_load(path.read_text())
    suite_in(content)["expectations"] = expectations
    path.write_text(yaml.safe_dump(content))
    success, messages = invoke(tmp_path, "build", *RAW_ALONE)
    assert success, messages
    found = [row["is_success"] for row in results(tmp_path) if row["raw_table"] == "customers"]
    assert len(found) == len(expectations) and {True, False} == set(found)


@pytest.mark.parametrize("is_whole_file", [True, False])
def test_a_raw_table_whose_suite_is_gone(edited: Path, tmp_path: Path, is_whole_file: bool) -> None:
    path = edited / "expectations" / "orders.yml"
    content = yaml.safe_load(path.read_text())
    for model in content["models"]:
        del model["data_tests"]
    path.unlink() if is_whole_file else path.write_text(yaml.safe_dump(content))
    write(tmp_path, GOOD)
    finished = dbt(tmp_path, "build", *RAW_ALONE, variables=variables(tmp_path), cwd=edited)
    assert finished.returncode != 0
    assert "expectations/orders.yml is missing, or has no test meets_expectations for ref('raw_file_" in finished.output


# --- builds with edited suites ---


def edit(project: Path, table: str, number: int, **changes: Any) -> None:
    """Change keys of one expectation of a suite."""
    path = project / "expectations" / f"{table}.yml"
    content = yaml.safe_load(path.read_text())
    suite_in(content)["expectations"][number] |= changes
    path.write_text(yaml.safe_dump(content))


def place(table: str, description: str) -> int:
    """Where the expectation with this description, on this column, stands in a suite."""
    written = suite_of(ROOT, table)["expectations"]
    return next(
        number
        for number, e in enumerate(written)
        if f"{e['kwargs'].get('column') or (e.get('meta') or {}).get('column')} {e['description']}" == description
    )


def variables(folder: Path) -> dict[str, str]:
    return {"raw_location": str(folder / "{table}.csv"), "as_of_date": "2024-03-01"}


def test_sql_that_cannot_be_run_is_critical_whatever_its_severity(project: Path, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    query = {"unexpected_rows_query": "select * from {batch} where no_such_column = 1"}
    edit(project, "orders", place("orders", "refunded_amount is not more than the amount"), kwargs=query)
    finished = dbt(tmp_path, "build", *RAW_ALONE, variables=variables(tmp_path), cwd=project)
    assert finished.returncode == 1
    assert "cannot be run" in finished.output and "no_such_column" in finished.output


def test_rows_within_the_tolerance_are_set_aside_and_beyond_it_refused(project: Path, tmp_path: Path) -> None:
    meta = {"column": "amount", "quarantine": True, "mostly": 0.7}
    edit(project, "orders", place("orders", f"amount {DECIMAL}"), meta=meta)

    write(tmp_path, replaced("orders", "30.5,0,USD", "NaN,0,USD"))  # one of four orders
    finished = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert finished.returncode == 0, finished.output
    assert "WARN=1" in finished.output
    assert f"orders.amount {DECIMAL}: not so in 1 of 4 rows, such as 'NaN'" in finished.output
    assert "; 1 row is in quarantine" in finished.output
    [row] = finished.query("select * from quality.quarantine")
    assert json.loads(row["row_key"]) == {"order_id": "o2"}
    assert json.loads(row["row_content"])["amount"] == "NaN"
    assert row["reason"] == f"amount {DECIMAL}"
    assert finished.query(ORDERS) == [{"orders": 2}]

    write(tmp_path, {**GOOD, "orders": GOOD["orders"].replace("30.5", "NaN").replace(",5,0", ",NaN,0")})  # two of four
    finished = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert finished.returncode == 1
    assert f"critical: orders.amount {DECIMAL}: not so in 2 of 4 rows" in finished.output

    write(tmp_path, GOOD)
    finished = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert finished.query(ORDERS) == [{"orders": 3}]
    assert finished.query("select * from quality.quarantine") == []


def test_rows_of_a_table_that_lacks_an_optional_column_are_set_aside(project: Path, tmp_path: Path) -> None:
    number = place("subscriptions", "quantity is a whole number >= 0, at most 1,000,000,000")
    edit(project, "subscriptions", number, meta={"column": "quantity", "quarantine": True, "mostly": 0.5})
    write(tmp_path, replaced("subscriptions", "active,2,10", "active,two,10"))
    finished = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert finished.returncode == 0, finished.output
    assert "; 1 row is in quarantine" in finished.output
    assert finished.query("select count(*) as rows from staging.stg_subscriptions") == [{"rows": 2}]


@pytest.mark.parametrize(
    ("query", "set_aside"),
    [
        ("SELECT * FROM {batch} where try_cast(amount as decimal(38, 10)) is null", 1),
        ("with bad as (select * from {batch}) select * from bad where try_cast(amount as decimal(38, 10)) is null", 1),
        ("select amount, order_id from {batch} where try_cast(amount as decimal(38, 10)) is null", 1),
        ("select * exclude (status) from {batch} where try_cast(amount as decimal(38, 10)) is null", 1),
        ("select order_id from {batch} where try_cast(amount as decimal(38, 10)) is null", 2),
        ("select amount from {batch} where try_cast(amount as decimal(38, 10)) is null", None),
    ],
)
def test_what_the_query_returns_says_which_rows_are_set_aside(query: str, set_aside: int | None) -> None:
    """A good row with the key of a bad one stays, unless the query says nothing but the key."""
    meta = {"quarantine": True, "mostly": 0.5, "column": "amount"}
    bad = suite(type="unexpected_rows_expectation", kwargs={"unexpected_rows_query": query}, meta=meta)
    with duckdb.connect() as connection:
        connection.execute("create schema quality")
        connection.execute(
            "create table quality.quarantine (build_id text, raw_table text, row_key json, row_content json,"
            " reason text, row_hash text)"
        )
        connection.execute(
            "create table quality.expectation_results (build_id text, checked_at timestamp, raw_table text,"
            " column_name text, expectation text, description text, severity text, is_success boolean,"
            " rows_checked bigint, rows_failed bigint, samples text, failed_keys text, rows_quarantined bigint,"
            " message text, mean double)"
        )
        connection.execute("create table raw_orders (order_id text, amount text, status text)")
        connection.execute("insert into raw_orders values ('o1', 'x', 'paid'), ('o1', '1', 'paid'), ('o2', '2', null)")
        answer = guard.run_expectations(connection, {
            "table": "orders", "relations": dict.fromkeys(RAW_COLUMNS, "raw_orders"), "build_id": "b",
            "columns": {"orders": ["order_id", "amount", "status"]}, "attributes": [], "facts": {},
            "suite": {**bad, "meta": {"key": ["order_id"]}},
            "settings": "select 3 as rows, {mean} as mean", "functions": "select 1",
        })  # fmt: skip
        rows = connection.execute("select row_content ->> 'amount' from quality.quarantine order by 1 desc").fetchall()
    if set_aside is None:
        assert "must return order_id, their key" in answer["critical"] and rows == []
    else:
        assert answer == {"warnings": 1, "critical": ""}
        assert rows == [("x",), ("1",)][:set_aside]


def test_a_key_may_be_quarantined_by_great_expectations_own_mostly(project: Path, tmp_path: Path) -> None:
    number = place("orders", "order_id is unique")
    edit(project, "orders", number, kwargs={"column": "order_id", "mostly": 0.5}, meta={"quarantine": True})
    write(tmp_path, {**GOOD, "orders": GOOD["orders"] + ORDER.replace("20", "21") + "\n"})
    finished = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert finished.returncode == 0, finished.output
    assert finished.query("select count(*) as rows from quality.quarantine") == [{"rows": 2}]
    assert finished.query(ORDERS) == [{"orders": 2}]


def test_warnings_and_the_history_of_results(project: Path, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    first = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert first.output.count("Great Expectations") == first.output.count("Calculating") == 0

    orders = "\n".join(GOOD["orders"].replace("completed", "paid").splitlines()[:3]) + "\n"  # two of four, none counts
    write(tmp_path, {**replaced("subscriptions", "2024-02-01,too expensive", "0001-01-01,"), "orders": orders})
    second = dbt(tmp_path, "build", variables={**variables(tmp_path), "as_of_date": "2024-06-01"}, cwd=project)
    assert "WARN=3" in second.output  # orders: fewer, old; subscriptions: old; activity: old
    assert "orders has no more than 30 % fewer rows" in second.output and "found 2 instead of 4" in second.output
    assert "has at least one order within 40 days of as_of_date" in second.output
    assert "found the latest of 2024-02-02, 120 days before as_of_date" in second.output
    assert "warn if > 0 /* each is an expectation of expectations/orders.yml, named above */" in second.output
    assert "starts at least one stretch within 40 days of as_of_date" in second.output
    said_again = second.output[second.output.rindex(" OK created ") :]  # after the last node
    for line in [
        "warning: orders has an order of a status that counts: not so, found status 'paid' orders 2",
        "warning: subscriptions.cancel_requested_at lies between the years 1900 and 2200, or is empty: "
        "not so in 1 of 3",
    ]:
        assert line in said_again

    write(tmp_path, replaced("orders", ",20,", ",twenty,"))
    third = dbt(tmp_path, "build", variables=variables(tmp_path), cwd=project)
    assert third.returncode == 1
    history = third.query(
        f"""
        select *
        from marts.data_quality
        where column_name = 'amount' and description = '{DECIMAL}'
        order by checked_at
        """
    )
    assert [(row["is_success"], row["rows_checked"], row["rows_failed"], row["is_latest"]) for row in history] == [
        (True, 4, None, False), (True, 2, None, False), (False, 4, 1, True),
    ]  # fmt: skip
    assert json.loads(history[-1]["samples"]) == ["twenty"]
    assert json.loads(history[-1]["failed_keys"]) == [{"order_id": "o1"}]
    assert len({row["build_id"] for row in history}) == 3
    assert [row["has_succeeded"] for row in third.query("from quality.builds order by finished_at")] == [
        True, True, False,
    ]  # fmt: skip


def test_tables_in_a_schema_that_needs_quoting(project: Path, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute('create schema "my raw schema"')
        for table in RAW_COLUMNS:
            path = str(tmp_path / f"{table}.csv")
            connection.execute(f'create table "my raw schema".{table} as from read_csv(?, all_varchar = true)', [path])
    variables = {"raw_schema": "my raw schema", "as_of_date": "2024-04-01"}
    finished = dbt(tmp_path, "build", variables=variables, cwd=project)
    assert finished.query(ORDERS) == [{"orders": 3}]


def test_a_dry_run_is_not_an_empty_export(project: Path, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    for flags in (["--empty"], [], ["--empty"]):
        finished = dbt(tmp_path, "build", *flags, variables=variables(tmp_path), cwd=project)
        assert finished.returncode == 0 and "WARN=0" in finished.output, finished.output[-3000:]


def test_a_schema_that_is_not_there(project: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        connection.execute("create schema billing")
    finished = dbt(tmp_path, "build", variables={"raw_schema": "laoded"}, cwd=project)
    assert finished.returncode != 0
    assert "there is no schema laoded in warehouse; there are billing, loaded, main" in finished.output


def test_source_freshness(project: Path, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        for table in RAW_COLUMNS:
            path = str(tmp_path / f"{table}.csv")
            connection.execute(f"create table loaded.{table} as from read_csv(?, all_varchar = true)", [path])
        connection.execute("update loaded.orders set ordered_at = now()::timestamp::varchar where order_id = 'o1'")
    finished = dbt(tmp_path, "source", "freshness", variables={"raw_schema": "loaded"}, cwd=project)
    assert finished.returncode == 0
    assert "WARN freshness of raw.subscriptions" in finished.output
    assert "PASS freshness of raw.orders" in finished.output


# --- make validate ---


def validate(folder: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run `make validate`'s program on a folder's files, in the project as it is."""
    given = json.dumps({"raw_location": str(folder / "{table}.csv"), "as_of_date": "2024-03-01", **variables})
    environment = {**os.environ, "RETENTION_WAREHOUSE": str(folder / "warehouse.duckdb")}
    command = [sys.executable, "-m", "plugins.validate", *arguments, "--vars", given]
    command += ["--reports", str(folder / "reports")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_validate_keeps_the_contract_also_while_a_build_runs(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:  # as a build would, it holds the warehouse
        connection.execute("create table anything (a integer)")
        finished = validate(tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "reports" / "validate.json").read_text())
    count = len(report["expectations"])
    assert count > 60
    assert finished.stdout.splitlines() == [
        REFUNDED,
        f"exports keep the contract: 6 tables, {count} expectations, 1 remark",
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if "duckdb" in path.name) == ["warehouse.duckdb"]


def test_validate_one_table_alone(tmp_path: Path) -> None:
    write(tmp_path, {"orders": replaced("orders", ",20,", ",twenty,")["orders"]})
    finished = validate(tmp_path, "--table", "orders")
    assert finished.returncode == 1
    *lines, verdict = finished.stdout.splitlines()
    assert lines[0].startswith("critical: orders.amount is a decimal number")
    assert "orders.customer_id is a customer of the raw table customers, or empty: not checked, customers." in lines[1]
    assert verdict.startswith("exports break the contract: 1 table, ") and verdict.endswith("1 not checked, 1 broken")
    (failure,) = ElementTree.parse(tmp_path / "reports" / "validate.xml").iter("failure")
    assert "orders.amount" in failure.get("message", "")
    write(tmp_path, {"orders": GOOD["orders"]})
    assert validate(tmp_path, "--table", "orders").returncode == 0


def test_validate_reads_a_schema_of_the_warehouse_unless_a_process_holds_it(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    schema = {"raw_location": None, "raw_schema": "loaded"}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema loaded")
        for table in RAW_COLUMNS:
            path = str(tmp_path / f"{table}.csv")
            connection.execute(f"create table loaded.{table} as from read_csv(?, all_varchar = true)", [path])
        for holder in (f"process {os.getpid()}", f"dbt build (process {os.getpid()}, since 06:30:00)"):
            finished = validate(tmp_path, **schema)
            assert finished.returncode == 1
            assert finished.stdout.splitlines() == [
                f"{tmp_path / 'warehouse.duckdb'}, where raw_schema is, is in use by {holder}: "
                "wait until that has ended, or validate the exports before they are loaded, with raw_location",
                "exports could not be checked: 6 of 6 tables were not",
            ]
            (tmp_path / "warehouse.duckdb.lock").write_text(f"dbt build (process {os.getpid()}, since 06:30:00)")
    finished = validate(tmp_path, **schema)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[0] == REFUNDED


def test_validate_says_which_expectation_could_not_be_run(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    source = tmp_path / "orders.csv"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (1 as currency) from read_csv({text(source)}, all_varchar = true))"
            f" to {text(tmp_path / 'orders.parquet')}"
        )
    finished = validate(tmp_path, "--table", "orders", raw_location=str(tmp_path / "{table}.parquet"))
    assert finished.returncode == 1
    assert "orders could not be guarded: expectations/orders.yml: orders.currency is a code of three" in finished.stdout
    assert finished.stdout.endswith("exports could not be checked: 1 of 1 tables were not\n")


def test_validate_says_why_it_could_not(tmp_path: Path) -> None:
    finished = validate(tmp_path, raw_location="orders.csv")
    assert finished.returncode == 1
    assert "raw_location must be a path with {table} in it" in finished.stdout
    assert finished.stdout.endswith("exports could not be checked: 6 of 6 tables were not\n")
