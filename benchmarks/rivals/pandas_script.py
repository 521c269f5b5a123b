"""The same in pandas, as an analyst writes it: a row per customer and month, shift, masks, group by.

python pandas_script.py <raw folder> <folder for answers> subscriptions|orders
"""

import sys

import numpy as np
import pandas as pd

MONTHS_PER_INTERVAL = {"year": 12, "month": 1, "week": 12 / 52, "day": 12 / 365}


def read(raw: str, table: str, columns: list[str]) -> pd.DataFrame:
    """Columns of a raw table; decimals become floats, texts of few values categories."""
    frame = pd.read_parquet(f"{raw}/{table}.parquet", columns=columns, dtype_backend="pyarrow")
    for column in frame:
        if column in ("price", "discount_percent", "amount", "refunded_amount"):
            frame[column] = frame[column].astype("float64")
        elif column.endswith("_at"):
            frame[column] = frame[column].astype("datetime64[us]")
        elif column in ("quantity", "billing_interval_count"):
            frame[column] = frame[column].astype("int64")
    return frame


def read_customers(raw: str) -> pd.DataFrame:
    customers = read(raw, "customers", ["customer_id", "country", "acquisition_channel"])
    for attribute in ["country", "acquisition_channel"]:
        customers[attribute] = customers[attribute].fillna("unknown").astype("category")
    return customers


def month_number(instants: pd.Series) -> pd.Series:
    """Months since the year 0."""
    return instants.dt.year * 12 + instants.dt.month - 1


def month_start(numbers: pd.Series) -> pd.Series:
    return pd.to_datetime({"year": numbers // 12, "month": numbers % 12 + 1, "day": 1})


def by_segment(frame: pd.DataFrame, segments: list[str], aggregates: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """The aggregates per month, in total and for every value of the segments."""
    parts = [frame.groupby("month", as_index=False).agg(**aggregates).assign(segment="all", segment_value="all")]
    for segment in segments:
        part = frame.groupby(["month", segment], as_index=False, observed=True).agg(**aggregates)
        part = part.rename(columns={segment: "segment_value"}).assign(segment=segment)
        parts.append(part.astype({"segment_value": "str"}))
    return pd.concat(parts).assign(month=lambda rows: month_start(rows["month"]))


def paid_stretches(raw: str, customers: pd.DataFrame) -> pd.DataFrame:
    plans = read(raw, "plans", ["plan_id", "price", "billing_interval", "billing_interval_count"])
    columns = ["customer_id", "plan_id", "status", "quantity", "discount_percent", "started_at", "ended_at"]
    stretches = read(raw, "subscriptions", columns)
    stretches = stretches[stretches["status"].isin(["active", "past_due"])]
    stretches = stretches[stretches["ended_at"].isna() | (stretches["ended_at"] > stretches["started_at"])]
    stretches = stretches.merge(plans, on="plan_id")
    months = stretches["billing_interval"].map(MONTHS_PER_INTERVAL).astype("float64")
    months = months * stretches["billing_interval_count"]
    discounted = stretches["price"] * stretches["quantity"] * (1 - stretches["discount_percent"] / 100)
    stretches["mrr"] = (discounted / months).round(6)
    # Numbers join and group faster than texts.
    stretches["customer"] = pd.Index(customers["customer_id"]).get_indexer(stretches["customer_id"])
    # Live at the closing of each month from the first up to, not including, the end.
    stretches["first"] = month_number(stretches["started_at"])
    stretches["end"] = month_number(stretches["ended_at"])
    return stretches.loc[stretches["mrr"] > 0, ["customer", "first", "end", "mrr"]]


def repeat_months(frame: pd.DataFrame, first: pd.Series, end: pd.Series, columns: list[str]) -> pd.DataFrame:
    """A row per month from first up to, not including, end."""
    lengths = (end - first).clip(lower=0).to_numpy()
    rows = frame.loc[frame.index.repeat(lengths), columns]
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows["month"] = (np.repeat(first.to_numpy(), lengths) + np.arange(len(rows)) - starts).astype("int32")
    return rows


def subscriptions(raw: str, answers: str) -> None:
    customers = read_customers(raw)
    stretches = paid_stretches(raw, customers).reset_index(drop=True)
    last_month = stretches["first"].max()
    stretches["end"] = stretches["end"].fillna(last_month + 1).clip(upper=last_month + 1).astype("int32")
    live = repeat_months(stretches, stretches["first"], stretches["end"], ["customer", "mrr"])
    live = live.groupby(["customer", "month"], as_index=False)["mrr"].sum()
    live["mrr"] = live["mrr"].round(6)

    spans = stretches.groupby("customer", as_index=False).agg(first=("first", "min"), end=("end", "max"))
    spine = repeat_months(spans, spans["first"], (spans["end"] + 1).clip(upper=last_month + 1), ["customer", "first"])
    spine = spine.merge(live, on=["customer", "month"], how="left")
    spine["closing_mrr"] = spine["mrr"].fillna(0)
    spine["opening_mrr"] = spine.groupby("customer")["closing_mrr"].shift(fill_value=0)

    pays, paid = spine["closing_mrr"] > 0, spine["opening_mrr"] > 0
    change = spine["closing_mrr"] - spine["opening_mrr"]
    masks = {
        "new": pays & ~paid & (spine["month"] == spine["first"]),
        "reactivation": pays & ~paid & (spine["month"] != spine["first"]),
        "churned": paid & ~pays,
        "expansion": paid & pays & (change > 0),
        "contraction": paid & pays & (change < 0),
    }
    for name, mask in masks.items():
        spine[f"{name.replace('reactivation', 'reactivated')}_customers"] = mask
        spine[f"{name}_mrr"] = change.abs().where(mask, 0)
    spine["opening_customers"], spine["closing_customers"] = paid, pays
    for attribute in ["country", "acquisition_channel"]:
        spine[attribute] = customers[attribute].take(spine["customer"]).array
    sums = {column: (column, "sum") for column in spine if column.endswith(("_customers", "_mrr"))}
    by_segment(spine, ["country", "acquisition_channel"], sums).to_parquet(f"{answers}/subscriptions.parquet")


def orders(raw: str, answers: str) -> None:
    customers = read_customers(raw)
    columns = ["customer_id", "ordered_at", "status", "amount", "refunded_amount"]
    counted = read(raw, "orders", columns)
    counted = counted[counted["status"] == "completed"]
    counted["month"] = month_number(counted["ordered_at"])
    counted["revenue"] = counted["amount"] - counted["refunded_amount"]
    counted["customer"] = pd.Index(customers["customer_id"]).get_indexer(counted["customer_id"])
    counted["country"] = customers["country"].reindex(counted["customer"]).fillna("unknown").array
    all_orders = by_segment(counted, ["country"], {"orders": ("revenue", "size"), "revenue": ("revenue", "sum")})

    identified = counted[counted["customer"] >= 0]
    months = identified.groupby(["customer", "month"], as_index=False)["revenue"].agg(orders="size", revenue="sum")
    customer = months.groupby("customer")
    months["cohort"] = customer["month"].transform("min")
    months["country"] = customers["country"].take(months["customer"]).array
    months["is_new"] = months["month"] == months["cohort"]
    months["is_repeat"] = months["orders"] > 1
    months["is_returning"] = customer["orders"].cumsum() > 1
    months["is_retained"] = customer["month"].shift() == months["month"] - 1
    buyers = by_segment(
        months,
        ["country"],
        {
            "ordering_customers": ("customer", "size"),
            "new_ordering_customers": ("is_new", "sum"),
            "repeat_customers": ("is_repeat", "sum"),
            "returning_customers": ("is_returning", "sum"),
            "retained_ordering_customers": ("is_retained", "sum"),
        },
    )
    all_orders.merge(buyers, how="left").to_parquet(f"{answers}/orders.parquet")

    cohorts = months.groupby(["cohort", "month"], as_index=False).agg(
        retained_customers=("customer", "size"), revenue=("revenue", "sum")
    )
    cohorts["cohort_size"] = cohorts.groupby("cohort")["retained_customers"].transform("first")
    cohorts = cohorts.assign(cohort=month_start(cohorts["cohort"]), month=month_start(cohorts["month"]))
    cohorts.to_parquet(f"{answers}/cohorts.parquet")


if __name__ == "__main__":
    {"subscriptions": subscriptions, "orders": orders}[sys.argv[3]](*sys.argv[1:3])
