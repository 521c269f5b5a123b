"""The bundled demo, as a newcomer meets it: it builds, looks like a business, and the README tells the truth."""

import contextlib
import filecmp
import io
import json
import re
import runpy
import shutil
import statistics
from pathlib import Path

import duckdb
import pytest
from conftest import OPTIONAL_COLUMNS, ROOT, Build, dbt
from reference_churn import seed


def values(name: str, column: str) -> list[str]:
    """The values of a column of a reference seed."""
    return sorted({row[column] for row in seed(name)})


# What happens in the demo, and a query that finds it.
SITUATIONS = {
    "a trial ends within 24 hours": "from marts.customers where trial_ends_within_24_hours",
    "a trial ends within 72 hours, not 24": """
        from marts.customers where trial_ends_within_72_hours and not trial_ends_within_24_hours""",
    "a trial ends later": """
        from staging.stg_subscriptions
        where status = 'trialing'
            and ended_at > (select as_of_date + interval 3 day from intermediate.int_as_of_date)""",
    "a customer pays": "from marts.customers where is_paying",
    "a customer does not pay": "from marts.customers where not is_paying",
    "a customer is at risk": "from marts.customers where is_at_risk",
    "a customer is not at risk": "from marts.customers where not is_at_risk",
    **{
        f"a customer is at risk: {reason}": f"from marts.customers where risk_reasons like '%{reason}%'"
        for reason in (
            "cancellation scheduled",
            "past due",
            "paused",
            "silent for longer than usual",
            "activity halved",
            "spend halved",
        )
    },
    "a customer is at risk for two reasons": "from marts.customers where risk_reasons like '%, %'",
    "a customer could pay more": "from marts.customers where upsell_headroom_mrr > 0",
    **{
        f"a customer is {segment} by RFM": f"from marts.customers where rfm_segment = '{segment}'"
        for segment in values("rfm_segments", "rfm_segment")
    },
    **{
        f"a customer is {stage}": f"from marts.customers where lifecycle_stage = '{stage}'"
        for stage in values("lifecycle_stages", "lifecycle_stage")
    },
    **{
        f"a customer has churned by {definition}": f"from marts.churn_events where churn_definition = '{definition}'"
        for definition in values("churn_definitions", "churn_definition")
    },
    **{
        f"churn is {churn_type}": f"""
        from marts.churn_events where churn_definition = 'subscription_end' and churn_type = '{churn_type}'"""
        for churn_type in ("voluntary", "involuntary", "unknown")
    },
    "churn has a reason that the seed maps": """
        from marts.churn_reasons_by_period
        where reason <> 'unknown' and reason in (select reason from reference.churn_reasons)""",
    "churn has a reason that is not in the seed": """
        from marts.churn_reasons_by_period
        where reason <> 'unknown' and reason not in (select reason from reference.churn_reasons)""",
    "churn has no reason": "from marts.churn_reasons_by_period where reason = 'unknown' and churn_type = 'unknown'",
    **{
        f"a customer churned after {band}": f"from marts.churn_reasons_by_period where tenure_band = '{band}'"
        for band in values("tenure_bands", "tenure_band")
    },
    "a churned customer came back": "from marts.churn_events where returned_on is not null",
    **{
        f"a trial is {outcome}": f"from marts.trial_conversion_by_period where trials_{outcome} > 0"
        for outcome in ("converted", "pending", "abandoned", "converted_in_time")
    },
    "a trial converted late": "from marts.trial_conversion_by_period where trials_converted_in_time < trials_converted",
    **{
        f"{kind} occur": f"from marts.cancellations_by_period where {kind} > 0"
        for kind in (
            "cancellations_requested",
            "cancellations_withdrawn",
            "cancellations_effective",
            "downgrade_customers",
            "upgrade_customers",
            "paid_to_free_customers",
        )
    },
    **{
        f"{movement_type} moves MRR": f"from marts.mrr_movements where movement_type = '{movement_type}'"
        for movement_type in ("new", "reactivation", "expansion", "contraction", "churn")
    },
    "customers are reactivated": "from marts.customer_churn_by_period where reactivated_customers > 0",
    "customers come and leave within a month": """
        from marts.customer_churn_by_period where period_grain = 'month' and transient_customers > 0""",
    "customers who do not pay are counted": """
        from marts.customer_churn_by_period where opening_customers_including_free > opening_customers""",
    **{
        f"churn is {direction}": f"from marts.customer_churn_by_period where churn_rate_direction = '{direction}'"
        for direction in ("rising", "falling", "mixed")
    },
    **{
        f"churn beside its benchmark is {verdict}": f"""
        from marts.customer_churn_by_period where benchmark_verdict = '{verdict}'"""
        for verdict in ("better", "within", "worse")
    },
    "customers change plans": """
        from marts.plan_transitions_by_period
        where from_plan_id <> to_plan_id and opening_mrr > 0 and closing_mrr > 0""",
    "customers change plans at the same MRR": """
        from marts.plan_transitions_by_period
        where from_plan_id <> to_plan_id and opening_mrr > 0 and mrr_change = 0""",
    "guests buy": "from staging.stg_orders where customer_id is null and status = 'completed'",
    "guests change revenue": "from marts.revenue_change_by_period where guest_revenue_change <> 0",
    "an order is refunded in part": "from staging.stg_orders where refunded_amount > 0 and refunded_amount < amount",
    "an order is refunded in full": "from staging.stg_orders where refunded_amount > 0 and refunded_amount = amount",
    "an order does not count": "from staging.stg_orders where status <> 'completed'",
    "a buyer buys once": "from marts.customers where orders = 1",
    "a buyer buys again": "from marts.customers where orders > 1",
    **{
        f"revenue changes by {kind}": f"from marts.revenue_change_by_period where {kind}_revenue <> 0"
        for kind in ("new_customer", "returning_customer", "growth", "shrinkage", "lost_customer")
    },
    **{
        f"a subscription is {status}": f"from staging.stg_subscriptions where status = '{status}'"
        for status in ("trialing", "active", "past_due", "paused")
    },
    **{
        f"a plan is paid by the {interval}": f"""
        from staging.stg_subscriptions
        where plan_id in (select plan_id from staging.stg_plans where price > 0 and billing_interval = '{interval}')"""
        for interval in ("day", "week", "month", "year")
    },
    "a plan is free": """
        from staging.stg_subscriptions where plan_id in (select plan_id from staging.stg_plans where price = 0)""",
    "a subscription has a discount": "from staging.stg_subscriptions where discount_percent > 0",
    "a customer pays for two subscriptions at once": """
        select customer_key from intermediate.int_mrr_stretches where mrr > 0 and ended_at is null
        group by customer_key having count(*) > 1""",
}


def test_the_demo_is_what_its_script_writes(tmp_path: Path) -> None:
    shutil.copy(ROOT / "seeds" / "demo" / "generate.py", tmp_path)
    runpy.run_path(str(tmp_path / "generate.py"), run_name="__main__")
    written = sorted(path.name for path in tmp_path.glob("*.csv"))
    assert written == [
        f"raw_{table}.csv" for table in ("activity", "customers", "orders", "plans", "subscriptions")
    ]  # fmt: skip
    assert filecmp.cmpfiles(tmp_path, ROOT / "seeds" / "demo", written, shallow=False) == (written, [], [])
    assert sum((tmp_path / name).stat().st_size for name in written) < 1_000_000


def test_the_demo_has_one_currency_and_nothing_is_said_of_exchange_rates(demo: Build) -> None:
    columns = "count(*) > 0 as rows, count(closing_mrr_at_closing_rates) as rates, count(fx_effect) as effects"
    assert demo.query(f"select {columns} from marts.mrr_churn_by_period") == [{"rows": True, "rates": 0, "effects": 0}]


def test_the_demo_looks_like_a_business(demo: Build) -> None:
    rates = [
        row["churn_rate"]
        for row in demo.query(
            """
            select churn_rate
            from marts.customer_churn_by_period
            where period_grain = 'month' and segment = 'all'
            order by period_start_date
            """
        )[1:]
    ]
    assert len(rates) == 29
    assert all(0.02 < rate < 0.05 for rate in rates)

    retention = [
        row["retention"]
        for row in demo.query(
            """
            select sum(retained_customers) / sum(cohort_size) as retention
            from marts.retention_by_cohort
            where basis = 'subscription' and period_grain = 'month' and segment = 'all'
                and cohort_start_date < date '2023-06-01' and periods_since between 1 and 9
            group by periods_since
            order by periods_since
            """
        )
    ]
    assert retention[0] - retention[2] > retention[6] - retention[8]  # the cohorts flatten


def test_the_demo_shows_every_situation(demo: Build) -> None:
    assert [sentence for sentence, sql in SITUATIONS.items() if not demo.query(sql)] == []


def test_every_column_is_described(demo: Build) -> None:
    manifest = json.loads((demo.warehouse.parent / "target" / "manifest.json").read_text())
    described = {
        (node["schema"], node.get("alias") or node["name"], name)
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
        if node["resource_type"] in ("model", "seed", "source") and node["description"]
        for name, column in node["columns"].items()
        if column["description"]
    }
    built = {
        (row["table_schema"], row["table_name"], row["column_name"])
        for row in demo.query("select * from information_schema.columns where table_schema <> 'main'")
    }
    # Columns between raw tables and marts are described where their names do not say what they are.
    assert {place for place in built - described if place[0] != "intermediate"} == set()
    tables = {place[:2] for place in built}
    lacking = {("raw", f"raw_{table}", name) for table, names in OPTIONAL_COLUMNS.items() for name in names}
    assert {place for place in described - built - lacking if place[:2] in tables} == set()


def test_half_of_the_models_have_fewer_than_50_lines() -> None:
    """The linter knows the longest, not the median."""
    lines = [len(path.read_text().splitlines()) for path in (ROOT / "models").rglob("*.sql")]
    assert statistics.median(lines) < 50


def test_the_readme_prints_what_is_printed(demo: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", readme, re.S)
    assert found
    python, printed = found.groups()
    monkeypatch.chdir(demo.warehouse.parent)
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        exec(python, {})
    assert answer.getvalue().rstrip() == printed.rstrip()

    found = re.search(r'--inline "\n(.*?)"\n```\n\n```\n(.*?)```', readme, re.S)
    assert found
    sql, printed = found.groups()
    shown = dbt(demo.warehouse.parent, "show", "--quiet", "--limit", "4", "--inline", sql)
    assert shown.output.strip() == printed.strip()


def test_the_readme_has_the_last_lines_of_a_build(demo: Build) -> None:
    readme = (ROOT / "README.md").read_text()
    found = re.search(r"```\n(June 2024: .*?)\n```", readme, re.S)
    assert found
    lines = [line for line in found.group(1).splitlines() if line != "No published number changed."]  # there were none
    printed = demo.output.replace(str(demo.warehouse.with_name("marts.duckdb")), "marts.duckdb")
    masked = [
        re.sub("build [0-9a-f]{8}", "build", text) for text in ("\n".join(lines), re.sub("(?m)^.{10}", "", printed))
    ]
    assert masked[0] in masked[1]


def test_the_walk_through_prints_what_is_printed(demo: Build) -> None:
    page = (ROOT / "models" / "walk_through.md").read_text()
    steps = re.findall(r"```sql\n(.*?)\n```\n\n(\|.*?)\n\n", page, re.S)
    assert len(steps) == 6
    with duckdb.connect(str(demo.warehouse.with_name("marts.duckdb")), read_only=True) as marts:
        for sql, printed in steps:
            answer = marts.execute(sql)
            names = [column[0] for column in answer.description]
            texts = [["" if value is None else str(value) for value in row] for row in answer.fetchall()]
            lines = [names, ["---"] * len(names), *texts]
            assert [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()] == [
                [cell.lower() if cell in ("True", "False") else cell for cell in line] for line in lines
            ]
