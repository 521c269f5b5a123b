"""The same in polars: lazy frames, a row per customer and month, windows by `over`.

python polars_script.py <raw folder> <folder for answers> subscriptions|orders
"""

import sys

import polars as pl

MONTHS_PER_INTERVAL = {"year": 12.0, "month": 1.0, "week": 12 / 52, "day": 12 / 365}


def month_number(instant: str) -> pl.Expr:
    """Months since the year 0."""
    return pl.col(instant).dt.year() * 12 + pl.col(instant).dt.month().cast(pl.Int32) - 1


def month_start(number: str) -> pl.Expr:
    return pl.date(pl.col(number) // 12, pl.col(number) % 12 + 1, 1).alias(number)


def scan_customers(raw: str) -> pl.LazyFrame:
    attributes = pl.col("country", "acquisition_channel").fill_null("unknown").cast(pl.Categorical)
    # Numbers join and group faster than texts.
    return pl.scan_parquet(f"{raw}/customers.parquet").with_row_index("customer").with_columns(attributes)


def by_segment(frame: pl.DataFrame, segments: list[str], aggregates: list[pl.Expr]) -> pl.DataFrame:
    """The aggregates per month, in total and for every value of the segments."""
    total = frame.group_by("month").agg(aggregates).with_columns(segment=pl.lit("all"), segment_value=pl.lit("all"))
    parts = [
        frame.group_by("month", pl.col(segment).cast(pl.String).alias("segment_value"))
        .agg(aggregates)
        .with_columns(segment=pl.lit(segment))
        for segment in segments
    ]
    return pl.concat([total, *parts], how="diagonal").with_columns(month_start("month"))


def paid_stretches(raw: str) -> pl.LazyFrame:
    months = pl.col("billing_interval").replace_strict(MONTHS_PER_INTERVAL, return_dtype=pl.Float64)
    mrr = (
        pl.col("price").cast(pl.Float64)
        * pl.col("quantity")
        * (1 - pl.col("discount_percent").cast(pl.Float64) / 100)
        / (months * pl.col("billing_interval_count"))
    )
    return (
        pl.scan_parquet(f"{raw}/subscriptions.parquet")
        .filter(pl.col("status").is_in(["active", "past_due"]))
        .filter(pl.col("ended_at").is_null() | (pl.col("ended_at") > pl.col("started_at")))
        .join(pl.scan_parquet(f"{raw}/plans.parquet"), on="plan_id")
        .join(scan_customers(raw), on="customer_id")
        .with_columns(mrr=mrr.round(6), first=month_number("started_at"), end=month_number("ended_at"))
        .filter(pl.col("mrr") > 0)
        .select("customer", "first", "end", "mrr")
    )


def repeat_months(frame: pl.LazyFrame, first: pl.Expr, end: pl.Expr) -> pl.LazyFrame:
    """A row per month from first up to, not including, end."""
    months = frame.filter(first < end).with_columns(month=pl.int_ranges(first, end, dtype=pl.Int32))
    return months.explode("month", empty_as_null=False)


def subscriptions(raw: str, answers: str) -> None:
    stretches = paid_stretches(raw).collect()
    last_month = stretches["first"].max()
    stretches = stretches.with_columns(pl.col("end").fill_null(last_month + 1).clip(upper_bound=last_month + 1)).lazy()
    # Live at the closing of each month from the first up to, not including, the end.
    live = (
        repeat_months(stretches, pl.col("first"), pl.col("end"))
        .group_by("customer", "month")
        .agg(closing_mrr=pl.col("mrr").sum().round(6))
    )
    spans = stretches.group_by("customer").agg(pl.col("first").min(), pl.col("end").max())
    spine = repeat_months(spans, pl.col("first"), (pl.col("end") + 1).clip(upper_bound=last_month + 1))

    opening, closing = pl.col("opening_mrr"), pl.col("closing_mrr")
    movements = {
        "new": (opening == 0) & (closing > 0) & (pl.col("month") == pl.col("first")),
        "reactivation": (opening == 0) & (closing > 0) & (pl.col("month") != pl.col("first")),
        "churned": (opening > 0) & (closing == 0),
        "expansion": (opening > 0) & (closing > opening),
        "contraction": (closing > 0) & (closing < opening),
    }
    aggregates = {
        "opening_customers": (opening > 0).sum(),
        "closing_customers": (closing > 0).sum(),
        "opening_mrr": opening.sum(),
        "closing_mrr": closing.sum(),
    }
    for name, mask in movements.items():
        aggregates[f"{name.replace('reactivation', 'reactivated')}_customers"] = mask.sum()
        aggregates[f"{name}_mrr"] = (closing - opening).abs().filter(mask).sum()
    changes = (
        spine.join(live, on=["customer", "month"], how="left")
        .with_columns(closing.fill_null(0))
        .sort("customer", "month")
        .with_columns(opening_mrr=closing.shift(fill_value=0).over("customer"))
        .join(scan_customers(raw).select("customer", "country", "acquisition_channel"), on="customer")
        .collect()
    )
    expressions = [expression.alias(name) for name, expression in aggregates.items()]
    answer = by_segment(changes, ["country", "acquisition_channel"], expressions)
    answer.write_parquet(f"{answers}/subscriptions.parquet")


def orders(raw: str, answers: str) -> None:
    counted = (
        pl.scan_parquet(f"{raw}/orders.parquet")
        .filter(pl.col("status") == "completed")
        .join(scan_customers(raw), on="customer_id", how="left")
        .select(
            "customer",
            pl.col("country").fill_null("unknown"),
            month_number("ordered_at").alias("month"),
            revenue=(pl.col("amount") - pl.col("refunded_amount")).cast(pl.Float64),
        )
        .collect()
    )
    all_orders = by_segment(counted, ["country"], [pl.len().alias("orders"), pl.col("revenue").sum()])

    months = (
        counted.lazy()
        .filter(pl.col("customer").is_not_null())
        .group_by("customer", "country", "month")
        .agg(pl.len().alias("orders"), pl.col("revenue").sum())
        .sort("customer", "month")
        .with_columns(
            pl.col("month").first().over("customer").alias("cohort"),
            pl.col("orders").cum_sum().over("customer").alias("orders_so_far"),
            pl.col("month").shift().over("customer").alias("previous_month"),
        )
        .collect()
    )
    buyers = by_segment(
        months,
        ["country"],
        [
            pl.len().alias("ordering_customers"),
            (pl.col("month") == pl.col("cohort")).sum().alias("new_ordering_customers"),
            (pl.col("orders") > 1).sum().alias("repeat_customers"),
            (pl.col("orders_so_far") > 1).sum().alias("returning_customers"),
            (pl.col("previous_month") == pl.col("month") - 1).sum().alias("retained_ordering_customers"),
        ],
    )
    answer = all_orders.join(buyers, on=["month", "segment", "segment_value"], how="left")
    answer.write_parquet(f"{answers}/orders.parquet")

    cohorts = (
        months.group_by("cohort", "month")
        .agg(pl.len().alias("retained_customers"), pl.col("revenue").sum())
        .sort("cohort", "month")
        .with_columns(pl.col("retained_customers").first().over("cohort").alias("cohort_size"))
        .with_columns(month_start("cohort"), month_start("month"))
    )
    cohorts.write_parquet(f"{answers}/cohorts.parquet")


if __name__ == "__main__":
    {"subscriptions": subscriptions, "orders": orders}[sys.argv[3]](*sys.argv[1:3])
