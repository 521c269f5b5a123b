"""The board shows the numbers of the marts, on pages that open from the disk and that everybody can read."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from conftest import ROOT, Build, free_port, skip

FILTERED = ("overview", "cohorts", "why_and_who", "orders")  # boards with filters
PYTHON = ROOT / ".venv-board" / "bin" / "python"
AXE = ROOT / ".venv-board" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOWN = "period_grain = 'month' and segment = 'all' and period_start_date >= date '2022-07-01'"
LATEST = "period_grain = 'month' and segment = 'all' and period_start_date = date '2024-06-01'"
MONTH = "strftime(period_start_date, '%Y-%m')"
MAPPED = "periods_since <= 12 and cohort_start_date >= date '2023-01-01' and is_complete"
# The cohorts of a year added up: twelve of 2022 and 2023, six of 2024; half of them have to have reached the age.
SURVIVAL = """
    select period_label[:4], periods_since, sum(retained_customers) / sum(cohort_size)
    from month.cohorts_by_{} where is_complete group by period_label[:4], periods_since
    having count(*) >= if(period_label[:4] = '2024', 3, 6)
"""

# What each query of a board has to show: the columns to compare, and the same numbers asked of the marts another way.
EXPECTED = {
    "overview.latest": (
        "period closing_customers net_new_customers churn_rate churn_rate_change closing_mrr net_new_mrr net_retention "
        "net_retention_change gross_retention gross_retention_change",
        f"""
        select '2024-06', closing_customers, new_customers + reactivated_customers - churned_customers,
            churned_customers / opening_customers, round(100 * churn_rate_change, 1),
            (select closing_mrr from marts.mrr_churn_by_period where {LATEST}),
            (select closing_mrr - opening_mrr from marts.mrr_churn_by_period where {LATEST}),
            (select retained_mrr / opening_mrr from marts.retention_by_period where {LATEST}),
            (select round(100 * (max_by(net_revenue_retention, period_start_date)
                - min_by(net_revenue_retention, period_start_date)), 1)
            from marts.retention_by_period
            where period_grain = 'month' and segment = 'all' and period_start_date in ('2024-05-01', '2024-06-01')),
            (select gross_revenue_retention from marts.retention_by_period where {LATEST}),
            (select round(100 * (max_by(gross_revenue_retention, period_start_date)
                - min_by(gross_revenue_retention, period_start_date)), 1)
            from marts.retention_by_period
            where period_grain = 'month' and segment = 'all' and period_start_date in ('2024-05-01', '2024-06-01'))
        from marts.customer_churn_by_period where {LATEST}
        """,
    ),
    "overview.churn": (
        "period churn_rate churn_rate_low confidence_interval benchmark_low benchmark_high",
        f"""
        select {MONTH}, churned_customers / opening_customers, churn_rate_low, churn_rate_high, 0.01, 0.03
        from marts.customer_churn_by_period where {SHOWN}
        """,
    ),
    "overview.customers_moved": (
        "period moved customers",
        f"""
        select {MONTH}, 'Came', closing_customers - opening_customers + churned_customers
        from marts.customer_churn_by_period where {SHOWN}
        union all select {MONTH}, 'Left', opening_customers - retained_customers
        from marts.retention_by_period where {SHOWN}
        """,
    ),
    "overview.bridge": (
        "step mrr running_mrr currency",
        f"""
        with month as (select * from marts.mrr_churn_by_period where {LATEST})
        select 'Opening', opening_mrr, opening_mrr, 'USD' from month
        union all select 'New', new_mrr, opening_mrr + new_mrr, 'USD' from month
        union all
        select 'Reactivation', reactivation_mrr, opening_mrr + new_mrr + reactivation_mrr, 'USD' from month
        union all
        select 'Expansion', expansion_mrr, closing_mrr + churned_mrr + contraction_mrr, 'USD' from month
        union all select 'Contraction', -contraction_mrr, closing_mrr + churned_mrr, 'USD' from month
        union all select 'Churned', -churned_mrr, closing_mrr, 'USD' from month
        union all select 'Closing', closing_mrr, closing_mrr, 'USD' from month
        """,
    ),
    "overview.mrr_moved": (
        "period movement mrr",
        f"""
        with months as (select * from marts.mrr_churn_by_period where {SHOWN})
        select {MONTH}, 'New', new_mrr from months
        union all select {MONTH}, 'Reactivation', reactivation_mrr from months
        union all select {MONTH}, 'Expansion', expansion_mrr from months
        union all select {MONTH}, 'Contraction', -contraction_mrr from months
        union all select {MONTH}, 'Churned', -churned_mrr from months
        """,
    ),
    "overview.losses": (
        "period loss number",
        f"""
        with months as (select * from marts.cancellations_by_period where {SHOWN})
        select {MONTH}, 'Cancellations requested', cancellations_requested from months
        union all select {MONTH}, 'Customers downgraded', downgrade_customers from months
        union all select {MONTH}, 'Customers churned', churned_customers
        from marts.customer_churn_by_period where {SHOWN}
        """,
    ),
    "cohorts.subscription_retention": (
        "cohort cohort_size periods_since retention_rate",
        f"""
        select period_label, cohort_size, periods_since, retained_customers / cohort_size
        from month.cohorts_by_subscription where {MAPPED}
        """,
    ),
    "cohorts.subscription_mrr": (
        "cohort cohort_size periods_since revenue",
        f"""
        select strftime(cohort_start_date, '%Y-%m'), cohort_size, periods_since, revenue from marts.retention_by_cohort
        where basis = 'subscription' and period_grain = 'month' and segment = 'all' and {MAPPED}
        """,
    ),
    "cohorts.subscription_survival": ("started_in periods_since retention_rate", SURVIVAL.format("subscription")),
    "cohorts.order_retention": (
        "cohort cohort_size periods_since retention_rate",
        f"""
        select period_label, cohort_size, periods_since, retained_customers / cohort_size
        from month.cohorts_by_order where {MAPPED}
        """,
    ),
    "cohorts.order_revenue": (
        "cohort cohort_size periods_since revenue",
        f"select period_label, cohort_size, periods_since, revenue from month.cohorts_by_order where {MAPPED}",
    ),
    "cohorts.order_survival": ("started_in periods_since retention_rate", SURVIVAL.format("order")),
    "cohorts.worth": (
        "period trailing_subscription_clv",
        f"""
        select {MONTH}, trailing_subscription_clv
        from marts.clv_by_period where {SHOWN} and trailing_churn_rate > 0
        """,
    ),
    "why_and_who.headline": (
        "shown churned_customers churned_new_customers churned_existing_customers",
        f"""
        select '2022-07 to 2024-06', sum(churned_customers), sum(churned_new_customers),
            sum(churned_customers) - sum(churned_new_customers)
        from marts.customer_churn_by_period where {SHOWN}
        """,
    ),
    "why_and_who.lost_mrr": ("churned_mrr", f"select sum(churned_mrr) from marts.mrr_churn_by_period where {SHOWN}"),
    "why_and_who.reasons": (
        "reason churn_type customers",
        f"""
        select replace(reason, '_', ' '), churn_type, sum(churned_customers)
        from marts.churn_reasons_by_period where {SHOWN} group by all order by 3 desc, 1, 2 limit 14
        """,
    ),
    "why_and_who.tenure": (
        "tenure_band customers",
        f"select tenure_band, sum(churned_customers) from marts.churn_reasons_by_period where {SHOWN} group by all",
    ),
    "why_and_who.types": (
        "period churn_type customers",
        f"""
        select {MONTH}, churn_type, sum(churned_customers)
        from marts.churn_reasons_by_period where {SHOWN} group by all
        """,
    ),
    "why_and_who.new_or_existing": (
        "period known customers",
        f"""
        with months as (select * from marts.customer_churn_by_period where {SHOWN})
        select {MONTH}, 'New', churned_customers - churned_existing_customers from months
        union all select {MONTH}, 'Existing', churned_customers - churned_new_customers from months
        """,
    ),
    "why_and_who.best_and_worst": (
        "customers churn_rate compared",
        """
        with june as (
            select *, churned_customers / opening_customers as rate from month.customer_churn_by_segment
            where period_label = '2024-06' and not is_low_sample and opening_customers > 0
        ),
        total as (select * from month.customer_churn where period_label = '2024-06'),
        chosen as (
            (from june order by rate, segment, segment_value limit 6)
            union (from june order by rate desc, segment, segment_value limit 6)
        )
        select concat(
            upper(segment[1]), replace(segment[2:], '_', ' '), ' ', coalesce(plan_name, segment_value),
            ' (', churned_customers, ' of ', opening_customers, ')'
        ), rate, if(rate > (select churn_rate from total), 'Above the total', 'At or below the total')
        from chosen left join marts.plans on segment = 'plan' and segment_value = plan_id
        union all
        select concat('All customers (', churned_customers, ' of ', opening_customers, ')'), churn_rate, 'All customers'
        from total
        """,
    ),
    "why_and_who.moves": (
        "from_plan to_plan customers mrr_change",
        f"""
        select from_plan_name, to_plan_name, sum(customers), sum(closing_mrr) - sum(opening_mrr)
        from marts.plan_transitions_by_period where {SHOWN} group by all order by 3 desc, 1, 2 limit 12
        """,
    ),
    "why_and_who.risk": (
        "customers paying_customers mrr",
        """
        select count(*), sum(cast(current_mrr > 0 as integer)), sum(current_mrr)
        from marts.customers where risk_reasons <> ''
        """,
    ),
    "why_and_who.risk_signs": (
        "sign pays customers",
        """
        with signs as (from (values ('Silent for longer than usual'), ('Spend halved'), ('Activity halved'), ('Paused'),
            ('Past due'), ('Cancellation scheduled')) as signs (sign))
        select sign, pays, count(*) filter (where contains(risk_reasons, lower(sign)) and is_paying = (pays = 'Paying'))
        from marts.customers, signs, (values ('Paying'), ('Not paying')) as payers (pays) group by all
        """,
    ),
    "why_and_who.risk_list": (
        "customer_id plan current_mrr risk_reasons",
        """
        select customer_id, plan_name, current_mrr, risk_reasons from marts.customers
        where is_at_risk order by current_mrr desc, customer_id limit 12
        """,
    ),
    "why_and_who.trials_soon": (
        "in_72_hours in_24_hours",
        """
        select sum(cast(trial_ends_within_72_hours as integer)), sum(cast(trial_ends_within_24_hours as integer))
        from marts.customers
        """,
    ),
    "why_and_who.trials_list": (
        "customer_id ends_within country acquisition_channel",
        """
        select customer_id, if(trial_ends_within_24_hours, '24 hours', '72 hours'), country, acquisition_channel
        from marts.customers where trial_ends_within_72_hours
        """,
    ),
    "why_and_who.trial_outcomes": (
        "period outcome trials",
        f"""
        with months as (select * from marts.trial_conversion_by_period where {SHOWN})
        select {MONTH}, 'Converted', trials_converted from months
        union all select {MONTH}, 'Not decided yet', trials_pending from months
        union all select {MONTH}, 'Abandoned', trials_started - trials_converted - trials_pending from months
        """,
    ),
    "why_and_who.headroom": (
        "mrr customers",
        "select sum(upsell_headroom_mrr), sum(cast(upsell_headroom_mrr > 0 as integer)) from marts.customers",
    ),
    "why_and_who.upsell_list": (
        "customer_id plan current_mrr upsell_headroom_mrr",
        """
        select customer_id, plan_name, current_mrr, upsell_headroom_mrr from marts.customers
        where upsell_headroom_mrr > 0 order by upsell_headroom_mrr desc, customer_id limit 12
        """,
    ),
    "orders.latest": (
        "period state orders orders_change revenue revenue_change average_order_value repeat_rate repeat_rate_change "
        "retention retention_change",
        f"""
        with
        june as (select * from marts.repeat_purchase_by_period where {LATEST}),
        may as (
            select orders, revenue, repeat_purchase_rate as repeated, order_retention_rate as retained
            from month.repeat_purchase where period_label = '2024-05'
        )
        select '2024-06', 'complete', june.orders, june.orders - may.orders, june.revenue, june.revenue - may.revenue,
            june.revenue / june.orders, repeat_customers / ordering_customers,
            round(100 * (repeat_customers / ordering_customers - repeated), 1),
            retained_ordering_customers / previous_ordering_customers,
            round(100 * (retained_ordering_customers / previous_ordering_customers - retained), 1)
        from june, may
        """,
    ),
    "orders.revenue": (
        "period revenue",
        "select period_label, revenue from month.kpis where period_label >= '2022-07'",
    ),
    "orders.revenue_moved": (
        "period revenue_of revenue",
        f"""
        with months as (select * from marts.revenue_change_by_period where {SHOWN})
        select {MONTH}, 'New', new_customer_revenue from months
        union all select {MONTH}, 'Returning', returning_customer_revenue from months
        union all select {MONTH}, 'Growth', growth_revenue from months
        union all select {MONTH}, 'Guests', guest_revenue_change from months
        union all select {MONTH}, 'Shrinkage', -shrinkage_revenue from months
        union all select {MONTH}, 'Lost', -lost_customer_revenue from months
        """,
    ),
    "orders.repeat_rates": (
        "period rate_of rate",
        f"""
        with months as (select * from marts.repeat_purchase_by_period where {SHOWN})
        select {MONTH}, 'In the period', repeat_customers / ordering_customers from months
        union all select {MONTH}, 'So far', returning_customers / ordering_customers from months
        """,
    ),
    "orders.order_retention": (
        "period order_retention_rate",
        f"""
        select {MONTH}, retained_ordering_customers / previous_ordering_customers
        from marts.repeat_purchase_by_period where {SHOWN}
        """,
    ),
    "orders.days_between": (
        "period days_of days",
        f"""
        with months as (select * from month.repeat_purchase where period_label >= '2022-07')
        select {MONTH}, 'Mean', average_days_between_orders from months
        union all select {MONTH}, 'Median', median_days_between_orders from months
        """,
    ),
    "orders.worth": (
        "period worth_of worth",
        f"""
        with months as (select * from marts.clv_by_period where {SHOWN})
        select {MONTH}, 'Expected', order_clv from months
        union all select {MONTH}, 'Realized so far', realized_order_clv from months
        """,
    ),
    "orders.rfm": (
        "rfm_segment customers orders revenue revenue_per_customer",
        """
        select concat(upper(rfm_segment[1]), rfm_segment[2:]), count(*), sum(orders), sum(revenue), avg(revenue)
        from marts.customers where orders > 0 group by rfm_segment
        """,
    ),
    "trust.build": (
        "as_of_date published_on",
        "select distinct cast(as_of_date as text), cast(cast(published_at as date) as text) from marts.published",
    ),
    "trust.guard": (
        "expectations findings rows_quarantined",
        "select count(*), 0, sum(rows_quarantined) from marts.data_quality where is_latest",
    ),
    "trust.restated": ("changed_numbers restated_numbers", "select count(*), 0 from marts.build_changes"),
    "trust.raw_tables": (
        "raw_table raw_rows expectations held critical warnings infos rows_quarantined",
        """
        select raw_table, any_value(rows_checked), count(*), sum(cast(is_success as integer)), 0, 0,
            sum(cast(not is_success as integer)), 0
        from marts.data_quality where is_latest group by raw_table
        """,
    ),
    "trust.found": (
        "severity expectation rows_failed rows_checked samples",
        """
        select severity, concat(raw_table, '.', column_name, ' ', description), rows_failed, rows_checked,
            replace(regexp_replace(trim(samples, '[]'), '"(.*?)"', '“\\1”', 'g'), 'null', 'empty')
        from marts.data_quality where is_latest and not is_success
        """,
    ),
    "trust.changes": ("mart month changed_numbers restated_numbers changed_totals", "select 1, 2, 3, 4, 5 where false"),
    "trust.facts": (
        "fact is",
        """
        with build as (select distinct * exclude (mart, row_count) from marts.published)
        select 'Data', 'the bundled demo company'
        union all select 'Read from', 'seeds of the project'
        union all select 'Currency', 'USD'
        union all select 'Build', build_id from build
        union all select 'Published at', cast(date_trunc('second', published_at) as text) || ' UTC' from build
        union all select 'dbt', dbt_version from build
        union all select 'DuckDB', duckdb_version from build
        union all select 'Commit of the project', coalesce(git_commit, 'not in git') from build
        """,
    ),
    "trust.vars": (
        "setting",
        """
        select concat(key, ': ', if(type = 'NULL', 'not set', replace(cast(value as text), '","', '", "')))
        from json_each((select any_value(vars) from marts.published))
        """,
    ),
    "trust.published": (
        "mart row_count",
        """
        select table_name, estimated_size from duckdb_tables()
        where schema_name = 'main' and table_name <> 'published'
        """,
    ),
}  # fmt: skip


def board(marts: Path | str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run charts/board.py on a file of marts."""
    if not PYTHON.exists():
        skip("there is no .venv-board: make .venv-board/board")
    environment = {**os.environ, "RETENTION_MARTS": str(marts), **environment}
    command = [str(PYTHON), str(ROOT / "charts" / "board.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.fixture(scope="module")
def marts(demo: Build) -> Path:
    return demo.warehouse.with_name("marts.duckdb")


@pytest.fixture(scope="module")
def shown(marts: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Board -> query -> the rows that it shows."""
    finished = board(marts, "data")
    assert finished.returncode == 0, finished.stderr
    return {
        name: {query: answer["rows"] for query, answer in json.loads(data)["queries"].items()}
        for name, data in json.loads(finished.stdout).items()
    }


def comparable(value: Any) -> Any:
    """A number with six digits after the point, whatever its type, and no minus zero; anything else as it is."""
    return round(float(value), 6) + 0.0 if isinstance(value, int | float | Decimal) else value


def test_every_number_on_the_board_is_the_one_in_the_marts(
    marts: Path, shown: dict[str, dict[str, list[dict[str, Any]]]]
) -> None:
    asked = {f"{name}.{query}": rows for name, queries in shown.items() for query, rows in queries.items()}
    assert asked.keys() == EXPECTED.keys()
    with duckdb.connect(str(marts), read_only=True) as connection:
        for name, (columns, sql) in EXPECTED.items():
            rows = [tuple(comparable(row[column]) for column in columns.split()) for row in asked[name]]
            expected = [tuple(map(comparable, row)) for row in connection.execute(sql).fetchall()]
            assert sorted(map(repr, rows)) == sorted(map(repr, expected)), name


@pytest.mark.parametrize("arguments", [("write",), ("serve",)])
def test_without_marts_it_says_so(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    finished = board(tmp_path / "marts.duckdb", *arguments, RETENTION_BOARD=str(tmp_path / "board"))
    assert finished.returncode == 1
    assert finished.stderr == (
        f"There are no marts to show: {tmp_path / 'marts.duckdb'} does not exist. "
        "`make build` publishes marts; RETENTION_MARTS names the file they are in.\n"
    )
    assert not (tmp_path / "board").exists()


def test_a_file_that_holds_no_marts_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database")
    finished = board(tmp_path / "notes.txt", "write")
    assert finished.returncode == 1
    assert "notes.txt is no file of marts. " in finished.stderr
    assert "Traceback" not in finished.stderr


def test_vars_that_are_a_date_and_a_path_are_shown_as_they_are(marts: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.duckdb"
    shutil.copy(marts, own)
    with duckdb.connect(str(own)) as connection:
        settings = {"as_of_date": "2024-06-16", "raw_location": "exports/{table}.csv"}
        connection.execute("update published set vars = json_merge_patch(vars, ?)", [json.dumps(settings)])
    finished = board(own, "data")
    assert finished.returncode == 0, finished.stderr
    rows = json.loads(json.loads(finished.stdout)["trust"])["queries"]["vars"]["rows"]
    shown = dict(row["setting"].split(": ", 1) for row in rows)
    assert {name: json.loads(shown[name]) for name in settings} == settings


@pytest.mark.parametrize(
    ("settings", "read_from"),
    [
        (
            {
                "billing_sources": {"shop": {"type": "shopify_csv"}, "billing": {"type": "stripe_fivetran"}},
                "raw_location": "exports/{table}.csv",
            },
            "billing (stripe_fivetran), shop (shopify_csv), exports/{table}.csv",
        ),
        ({"raw_database": "lake", "raw_schema": "billing"}, "lake.billing"),
    ],
)
def test_the_page_trust_names_the_sources(marts: Path, settings: dict[str, Any], read_from: str) -> None:
    query = yaml.safe_load((ROOT / "charts" / "trust.yml").read_text())["queries"]["facts"]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{marts}' as demo (read_only)")
        vars_ = "json_merge_patch(vars, ?) as vars"
        connection.execute(
            f"create table published as select * replace ({vars_}) from demo.published", [json.dumps(settings)]
        )
        assert dict(connection.execute(query).fetchall())["Read from"] == read_from


def test_a_segment_that_can_be_chosen_is_in_every_mart_that_is_asked_for_it(marts: Path) -> None:
    boards = {name: yaml.safe_load((ROOT / "charts" / f"{name}.yml").read_text()) for name in FILTERED}
    filters = yaml.safe_load((ROOT / "charts" / "_periods.yml").read_text())["queries"]
    with duckdb.connect(str(marts), read_only=True) as connection:
        offered = {segment for (segment,) in connection.execute(filters["segments"]).fetchall()}
        assert {"all", "country"} <= offered
        for name, board_ in boards.items():
            assert not {"segments", "segment_values"} & board_["queries"].keys()
            for mart in set(re.findall(r"\w+_by_(?:period|cohort)\b", str(board_["queries"]))):
                there = connection.execute(f"select distinct segment from {mart}").fetchall()
                assert offered <= {segment for (segment,) in there}, (name, mart)


OVERVIEW = """
import sys
from pathlib import Path

import board

marts = Path(sys.argv[1])
print(board.rendered(marts, board.published(marts), "html", boards=["overview"])["overview"])
"""


def overview(marts: Path, folder: Path, *statements: str) -> str:
    """The text of the page Overview of a copy of the marts, of another name, after some statements."""
    changed = folder / "changed.duckdb"
    shutil.copy(marts, changed)
    with duckdb.connect(str(changed)) as connection:
        for statement in statements:
            connection.execute(statement)
    if not PYTHON.exists():
        skip("there is no .venv-board: make .venv-board/board")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "charts")}
    command = [str(PYTHON), "-c", OVERVIEW, str(changed)]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert finished.returncode == 0, finished.stderr
    return re.sub("<script.*?</script>|<style.*?</style>|<[^>]*>", "", finished.stdout, flags=re.DOTALL)


def test_a_running_period_is_marked_and_a_currency_without_decimals_has_none(marts: Path, tmp_path: Path) -> None:
    tables = "periods kpis_by_period customer_churn_by_period mrr_bridge_by_period cancellations_by_period".split()
    text = overview(
        marts,
        tmp_path,
        "update published set currency = 'JPY'",
        "update kpis_by_period set currency = 'JPY'",
        *(f"update {name} set is_complete = false where period_start_date = date '2024-06-01'" for name in tables),
    )
    assert "The last period of each chart is not over yet" in text
    assert "so far" in text
    assert "2024-05" in text  # the headline is about the last complete month
    assert "2024-06" not in text
    assert {"JPY66,212", "JPY +2,819", "JPY 66,212"} <= set(re.findall(r"JPY ?[^\w\s.,]?[\d.,]+", text))
    assert not re.search(r"JPY ?[^\w\s.,]?[\d,]*\.", text)


def test_a_side_without_data_is_said_so(marts: Path, tmp_path: Path) -> None:
    subscriptions = (
        "customer_churn_by_period mrr_churn_by_period retention_by_period mrr_bridge_by_period cancellations_by_period"
    )
    text = overview(
        marts,
        tmp_path,
        *(f"delete from {name}" for name in subscriptions.split()),
        "update kpis_by_period set closing_customers = null, closing_mrr = null",
    )
    assert "No customer has paid for a subscription." in text
    assert "churn rate" not in text


@contextmanager
def served(marts: Path) -> Iterator[int]:
    """Serve the board as `make look` does; the port, once it answers."""
    if not PYTHON.exists():
        skip("there is no .venv-board: make .venv-board/board")
    port = int(free_port())
    command = [str(PYTHON), str(ROOT / "charts" / "board.py"), "serve", "--port", str(port)]
    environment = {**os.environ, "RETENTION_MARTS": str(marts)}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert server.poll() is None
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


def test_the_served_board_has_filters_and_answers_this_machine_alone(marts: Path) -> None:
    def text(query: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/overview/{query}") as page:
            return re.sub("<[^>]*>", "", page.read().decode())

    with served(marts) as port:
        page = text("")
        assert "2024-06" in page and "67,790" in page and "Customer churn rate" in page
        assert "2024-Q2" in text("?grain=quarter")
        assert re.search(r"2023\s*latest year", text("?grain=year"))
        with pytest.raises(ConnectionRefusedError):  # also this machine, but what listens to all of it answers here
            socket.create_connection(("127.0.0.2", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.fixture(scope="module")
def chromium() -> str:
    if not CHROMIUM:
        skip("there is no Chromium")
    if not AXE.exists():
        skip("there is no axe-core: make .venv-board/test")
    return CHROMIUM


def looked_at(folder: Path, chromium: str) -> dict[str, list[str]]:
    """Page and width -> what is wrong with it, by Chromium and axe-core."""
    command = [str(PYTHON), str(ROOT / "tests" / "python" / "board_pages.py"), str(folder), chromium, str(AXE)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_every_page_opens_from_the_disk_for_everybody(marts: Path, tmp_path: Path, chromium: str) -> None:
    finished = board(marts, "write", RETENTION_BOARD=str(tmp_path / "board"))
    assert finished.returncode == 0, finished.stderr
    found = looked_at(tmp_path / "board", chromium)
    pages = {f"{page.name} at {width}" for page in (tmp_path / "board").iterdir() for width in (1440, 420)}
    assert {"index.html at 420", "overview.html at 1440", "overview_dark.html at 420", "trust.html at 420"} <= pages
    assert found == {page: [] for page in pages}


def test_the_look_at_a_page_finds_what_is_wrong(tmp_path: Path, chromium: str) -> None:
    (tmp_path / "page.html").write_text(
        """<html><head><title>Page</title></head><body>
        <img src="http://127.0.0.1:9/outside.png">
        <svg><g class="dbt-chart" data-chart-type="bar" data-chart-id="empty"><text>No data</text></g></svg>
        <script>nothing()</script>
        </body></html>"""
    )
    found = "\n".join(looked_at(tmp_path, chromium)["page.html at 420"])
    for problem in (
        "request: http://127.0.0.1:9/outside.png",
        "chart without marks: empty",
        "script: nothing is not defined",
        "axe, serious: html-has-lang",
        "axe, critical: image-alt",
    ):
        assert problem in found
