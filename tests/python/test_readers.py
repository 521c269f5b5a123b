"""The views of the readers' file: the first chart that anybody makes of one is right.

One build of the demo, with half-years as a further row of the seed, and naive sums over every view of it. What they
have to be is recounted from the stretches and orders, without a ledger or a calendar.
"""

import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ROOT, build, copy_project, lean_project

VIEWS = {
    "customer_churn", "mrr_churn", "retention", "clv", "repeat_purchase", "kpis", "mrr_bridge",
    "cohorts_by_subscription", "cohorts_by_order",
}  # fmt: skip
GRAINS = ("day", "week", "month", "quarter", "half_year", "year")
ALL_VIEWS = {
    (grain, name + suffix)
    for grain in GRAINS
    for name in VIEWS
    for suffix in ("", "_by_segment")
    if not (grain == "day" and name.startswith("cohorts"))
}
ADDED, NOT_ADDED = "May be summed over periods", "Not to be summed over periods, nor averaged."
OTHER_PYTHON = ROOT / ".venv-lint" / "bin" / "python"  # the linters' environment has a DuckDB 1.x

# Per grain and period, what each customer pays at its boundaries, straight from the stretches. A segment joins in.
MOVEMENTS = """
    with
    periods as (
        select period_grain, period_start_date, cast(period_start_date as timestamp) as opens,
            cast(period_end_date + 1 as timestamp) as closes
        from marts.periods
    ),
    stretches as (select * from intermediate.int_mrr_stretches where mrr > 0),
    firsts as (select customer_key, min(started_at) as first_paid_at from stretches group by all),
    balances as (
        select
            period_grain, period_start_date, customer_key, opens, closes,
            coalesce(sum(mrr) filter (where started_at < opens and coalesce(ended_at >= opens, true)), 0) as o,
            coalesce(sum(mrr) filter (where started_at < closes and coalesce(ended_at >= closes, true)), 0) as c,
            max(ended_at) filter (where ended_at < closes) as left_at
        from periods inner join stretches on started_at < closes and coalesce(ended_at >= opens, true)
        group by all
    ),
    moves as (
        select *, datediff('day', cast(first_paid_at as date), cast(left_at as date)) < 90 as is_new
        from balances inner join firsts using (customer_key)
        inner join intermediate.int_customers using (customer_key)
        inner join marts.customer_segments using (customer_id)
        where segment = '{segment}'
    )
    select
        count(*) filter (where o = 0 and c > 0 and first_paid_at >= opens) as new_customers,
        count(*) filter (where o = 0 and c > 0 and first_paid_at < opens) as reactivated_customers,
        count(*) filter (where o > 0 and c = 0) as churned_customers,
        count(*) filter (where o = 0 and c = 0) as transient_customers,
        count(*) filter (where c > 0) - count(*) filter (where o > 0) as net_new_customers,
        count(*) filter (where o > 0 and c = 0 and is_new) as churned_new_customers,
        count(*) filter (where o > 0 and c = 0 and not is_new) as churned_existing_customers,
        count(*) filter (where 0 < o and o < c) as expansion_customers,
        count(*) filter (where 0 < c and c < o) as contraction_customers,
        coalesce(sum(c) filter (where o = 0 and first_paid_at >= opens), 0) as new_mrr,
        coalesce(sum(c) filter (where o = 0 and first_paid_at < opens), 0) as reactivation_mrr,
        coalesce(sum(c - o) filter (where 0 < o and o < c), 0) as expansion_mrr,
        coalesce(sum(o - c) filter (where 0 < c and c < o), 0) as contraction_mrr,
        coalesce(sum(o) filter (where c = 0), 0) as churned_mrr,
        sum(c - o) as net_new_mrr,
        coalesce(sum(o) filter (where c = 0 and is_new), 0) as churned_new_customer_mrr,
        coalesce(sum(o) filter (where c = 0 and not is_new), 0) as churned_existing_customer_mrr
    from moves where period_grain = '{grain}'
"""
# The same for everyone who has a subscription that is not paused; a segment value has rows once it has paid.
SUBSCRIBERS = """
    with
    spans as (
        select customer_id, started_at, case when ended_at < as_of_date then ended_at end as ended_at
        from staging.stg_subscriptions cross join intermediate.int_as_of_date
        where status <> 'paused' and started_at < as_of_date and coalesce(ended_at > started_at, true)
    ),
    balances as (
        select
            period_start_date, customer_id,
            count(*) filter (
                where started_at < period_start_date and coalesce(ended_at >= period_start_date, true)
            ) as o,
            count(*) filter (
                where started_at < period_end_date + 1 and coalesce(ended_at >= period_end_date + 1, true)
            ) as c
        from marts.periods inner join spans on started_at < period_end_date + 1
        where period_grain = '{grain}'
        group by all
    )
    select count(*) filter (where o > 0 and c = 0) as churned_customers_including_free from balances
    inner join marts.customer_segments using (customer_id)
    inner join (
        select period_start_date, segment, segment_value
        from marts.customer_churn_by_period where period_grain = '{grain}' and segment = '{segment}'
    ) using (period_start_date, segment, segment_value)
"""
ORDERS = """
    with countable as (
        select * from staging.stg_orders cross join intermediate.int_as_of_date
        where status = 'completed' and ordered_at < as_of_date
    )
    select
        count(*) filter (where amount >= 0) as orders,
        sum(amount - refunded_amount) as revenue,
        count(distinct customer_id) filter (where amount >= 0) as new_ordering_customers
    from countable
"""

# The flows of the marts that have no views, mart -> columns, recounted from facts that know no periods but these.
FLOWS = {
    "cancellations_by_period": (
        "cancellations_requested, cancellations_withdrawn, cancellations_effective",
        """
        select count(*), count(*) filter (where outcome = 'withdrawn'), count(*) filter (where outcome = 'effective')
        from intermediate.int_cancel_requests inner join chosen using (customer_key)
        """,
    ),
    "trial_conversion_by_period": (
        "trials_started, trials_converted, trials_pending, trials_abandoned, trials_converted_in_time",
        """
        select
            count(*),
            count(*) filter (where trial_outcome = 'converted'),
            count(*) filter (where trial_outcome = 'pending'),
            count(*) filter (where trial_outcome = 'abandoned'),
            count(*) filter (where is_converted_in_time)
        from intermediate.int_trials
        inner join intermediate.int_mrr_stretches using (stretch_key)
        inner join chosen using (customer_key)
        where int_trials.start_date >= (select min(period_start_date) from spans)
        """,
    ),
    "plan_transitions_by_period": (
        "customers, mrr_change",
        """
        select count(*), sum(closing.mrr - opening.mrr)
        from plans_at as opening
        inner join plans_at as closing using (customer_key)
        inner join spans on opening.boundary = opens and closing.boundary = closes
        inner join chosen using (customer_key)
        where opening.plan_key <> closing.plan_key
        """,
    ),
    "lifecycle_transitions_by_period": (
        "customers",
        """
        select count(*)
        from stages_at as closing
        inner join spans on closing.boundary = closes
        inner join chosen using (customer_key)
        left join stages_at as opening on opening.boundary = opens and closing.customer_key = opening.customer_key
        where closing.stage is distinct from opening.stage
        """,
    ),
    "revenue_change_by_period": (
        "new_customer_revenue, returning_customer_revenue, growth_revenue, shrinkage_revenue, lost_customer_revenue, "
        "guest_revenue_change, revenue",
        """
        select
            coalesce(sum(spent) filter (where before is null and is_first), 0),
            coalesce(sum(spent) filter (where before is null and not is_first), 0),
            sum(spent - before) filter (where spent > before) - sum(coalesce(corrected_before, 0)),
            sum(before - spent) filter (where spent < before) - sum(coalesce(corrected, 0)),
            sum(before) filter (where spent is null),
            sum(coalesce(guests, 0) - coalesce(guests_before, 0)),
            sum(coalesce(spent, 0) + coalesce(corrected, 0) + coalesce(guests, 0))
        from revenue_of_two
        """,
    ),
}
FACTS = """
    with
    spans as (
        select period_start_date, cast(period_start_date as timestamp) as opens,
            cast(period_end_date + 1 as timestamp) as closes
        from marts.periods where period_grain = '{grain}'
    ),
    boundaries as (select opens as boundary from spans union select closes from spans),
    chosen as (
        select customer_key, customer_id, segment_value from intermediate.int_customers
        inner join marts.customer_segments using (customer_id) where segment = '{segment}'
    ),
    balances as (
        select boundary, customer_key, plan_key, sum(mrr) as mrr
        from boundaries inner join intermediate.int_mrr_stretches
            on started_at < boundary and coalesce(ended_at >= boundary, true)
        where mrr > 0 group by all
    ),
    plans_at as (
        select boundary, customer_key, sum(mrr) as mrr, arg_min(plan_key, (-mrr, plan_key)) as plan_key
        from balances group by all
    ),
    stages_at as (
        select boundary, customer_key, stage_after as stage
        from boundaries inner join intermediate.int_lifecycle_ledger
            on stage_date < boundary and coalesce(next_stage_date >= boundary, true)
    ),
    -- What a customer spent in a period, a correction of one who did not order in it, and what guests spent.
    sales as (
        select
            opens, closes, coalesce(customer_id, 'guest') as customer_id, segment_value,
            sum(amount - refunded_amount) as revenue,
            case when stg_orders.customer_id is not null and bool_or(amount >= 0) then revenue end as spent,
            case when stg_orders.customer_id is not null and not bool_or(amount >= 0) then revenue end as corrected,
            case when stg_orders.customer_id is null then revenue end as guests,
            min(ordered_at) filter (where amount >= 0) as first_in
        from staging.stg_orders cross join intermediate.int_as_of_date
        inner join spans on ordered_at >= opens and ordered_at < closes
        left join chosen using (customer_id)
        where status = 'completed' and ordered_at < as_of_date
        group by opens, closes, stg_orders.customer_id, segment_value
    ),
    firsts as (select customer_id, min(first_in) as first_at from sales group by all),
    revenue_of_two as (
        select
            later.* exclude (first_in), earlier.spent as before, earlier.corrected as corrected_before,
            earlier.guests as guests_before, first_at >= later.opens as is_first
        from sales as later
        full join (
            select spans.opens, sales.* exclude (opens) from sales inner join spans on spans.opens = sales.closes
        ) as earlier using (opens, customer_id)
        inner join firsts using (customer_id)
    )
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo is built, with half-years."""
    folder = tmp_path_factory.mktemp("readers")
    copy_project(folder / "project", "python", "singular")
    with open(folder / "project" / "seeds" / "reference" / "period_grains.csv", "a") as seed:
        seed.write("half_year,2,H,true\n")
    build(folder, cwd=folder / "project")
    return folder


@pytest.fixture(scope="module")
def readers(folder: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(folder / "marts.duckdb"), read_only=True)


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def views_in(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return set(connection.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall())


def columns_of(connection: duckdb.DuckDBPyConnection, grain: str, view: str) -> dict[str, tuple[str, str]]:
    """Name -> type and comment."""
    query = f"""
        select column_name, data_type, comment from duckdb_columns()
        where schema_name = '{grain}' and table_name = '{view}' order by column_index
    """
    return {name: (type_, comment) for name, type_, comment in connection.execute(query).fetchall()}


def truth(folder: Path, grain: str, segment: str) -> dict[str, Any]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        found: dict[str, Any] = {}
        for query in (MOVEMENTS, SUBSCRIBERS, ORDERS):
            found |= rows(warehouse, query.format(grain=grain, segment=segment))[0]
        return found | {"fx_effect": None}  # the demo has one currency


def test_every_grain_has_its_views(readers: duckdb.DuckDBPyConnection) -> None:
    assert views_in(readers) == ALL_VIEWS
    for grain, view in sorted(ALL_VIEWS):
        columns = columns_of(readers, grain, view)
        first = ["segment", "segment_value"] if view.endswith("_by_segment") else []
        assert list(columns)[: len(first) + 1] == [*first, "period_label"], view
        assert "is_complete" in columns and not {"period_grain", "basis"} & columns.keys(), view
        assert first or "segment" not in columns
        assert {type_ for type_, _ in columns.values() if type_.startswith("DECIMAL")} <= {"DECIMAL(38,2)"}, view
        found = readers.execute(f"select count(*) from {grain}.{view}").fetchall()[0][0]
        assert found, view
    for view, mart, step in (
        ("customer_churn", "customer_churn_by_period", ""), ("clv", "clv_by_period", ""),
        ("kpis", "kpis_by_period", ""),
        ("mrr_bridge", "mrr_bridge_by_period", ", step_number"),
        ("cohorts_by_order", "retention_by_cohort", ", periods_since"),
    ):  # fmt: skip
        rows_of = "period_grain = 'half_year'" + (" and basis = 'order'" if step == ", periods_since" else "")
        for suffix, sign in (("", "="), ("_by_segment", "<>")):
            key = f"period_label{step}" + (", segment, segment_value" if suffix else "")
            counts = readers.execute(f"""
                select count(*), count(distinct ({key})),
                    (select count(*) from main.{mart} where {rows_of} and segment {sign} 'all')
                from half_year.{view}{suffix}
            """).fetchall()[0]
            assert len(set(counts)) == 1, (view, counts)


@pytest.mark.parametrize("grain", GRAINS)
def test_naive_sums_are_right(grain: str, folder: Path, readers: duckdb.DuckDBPyConnection) -> None:
    """Whatever a comment allows to be summed is, over all rows of the view, the recount; the rest is not allowed."""
    checked = set()
    for segment in ("all", "country"):
        expected = truth(folder, grain, segment)
        for view in sorted(VIEWS):
            name = view if segment == "all" else f"{view}_by_segment"
            if (grain, name) not in ALL_VIEWS:
                continue
            columns = columns_of(readers, grain, name)
            chosen = "" if segment == "all" else f"where segment = '{segment}'"
            for column, (type_, comment) in columns.items():
                if ADDED in comment:
                    assert ("within one segment" in comment) == (segment != "all")
                    total, count = readers.execute(
                        f"select sum({column}), count(*) from {grain}.{name} {chosen}"
                    ).fetchall()[0]
                    # Cents are rounded row by row.
                    off = Decimal("0.005") * count if type_.startswith("DECIMAL") else 0
                    is_right = total == expected[column] or abs(total - expected[column]) <= off
                    assert is_right, (grain, name, column, total, expected[column])
                    checked.add(column)
                elif type_ in ("BIGINT", "DOUBLE") or type_.startswith("DECIMAL"):
                    is_key = column in ("step_number", "periods_since")
                    assert comment.endswith(NOT_ADDED) != is_key, (name, column)
            is_balance = {"opening_customers", "closing_mrr", "churn_rate", "customers_to_date", "ordering_customers"}
            assert not [column for column in is_balance & columns.keys() if ADDED in columns[column][1]]
    assert checked == expected.keys()


def flows_of(folder: Path) -> dict[str, set[str]]:
    """Marts without views -> the columns that they call additive, where there are any."""
    nodes = json.loads((folder / "target" / "manifest.json").read_text())["nodes"].values()
    marts = [node for node in nodes if node.get("access") == "public" and not node["config"]["meta"].get("views")]
    columns = {
        mart["name"]: {name for name, column in mart["columns"].items() if column["config"]["meta"].get("additive")}
        for mart in marts
    }
    return {mart: names for mart, names in columns.items() if names}


@pytest.mark.parametrize("segment", ["all", "country"])
@pytest.mark.parametrize("grain", GRAINS)
def test_naive_sums_over_the_marts_without_views_are_right(grain: str, segment: str, folder: Path) -> None:
    """Of one grain and one segment, as their comments say; of one definition of churn."""
    moved = truth(folder, grain, segment)
    checked: dict[str, set[str]] = {}
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:

        def total(columns: str, mart: str, more: str = "") -> tuple[Any, ...]:
            checked.setdefault(mart, set()).update(columns.split(", "))
            sums = ", ".join(f"sum({column})" for column in columns.split(", "))
            query = f"select {sums} from marts.{mart} where period_grain = '{grain}' and segment = '{segment}' {more}"
            return warehouse.execute(query).fetchall()[0]

        for mart, (columns, recount) in FLOWS.items():
            expected = warehouse.execute(FACTS.format(grain=grain, segment=segment) + recount).fetchall()[0]
            assert total(columns, mart) == expected, mart
        lost = (moved["churned_customers"], moved["churned_mrr"])
        assert total("churned_customers, churned_mrr", "churn_reasons_by_period") == lost
        assert total("churned_customers", "cancellations_by_period") == lost[:1]
        events = f"""
            select churn_definition, count(*), sum(mrr_lost) from marts.churn_events
            inner join marts.customer_segments using (customer_id) where segment = '{segment}' group by all
        """
        for definition, *lost_events in warehouse.execute(events).fetchall():
            found = total(
                "lost_customers, lost_mrr", "churn_by_definition_by_period", f"and churn_definition = '{definition}'"
            )
            assert found == tuple(lost_events), definition
    events_alone = {"churn_events": {"mrr_lost"}, "mrr_movements": {"mrr_change"}}
    assert checked | events_alone == flows_of(folder)


def test_naive_sums_over_the_events_are_right(folder: Path) -> None:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        lost = "select sum(mrr_lost) from marts.churn_events where churn_definition = 'subscription_end'"
        assert warehouse.execute(lost).fetchall()[0][0] == truth(folder, "day", "all")["churned_mrr"]
        moved = "select sum(mrr_change), (select sum(current_mrr) from marts.customers) from marts.mrr_movements"
        assert len(set(warehouse.execute(moved).fetchall()[0])) == 1


def test_comments_say_what_one_row_of_the_big_tables_is_not(readers: duckdb.DuckDBPyConnection) -> None:
    comments = dict(readers.execute("select table_name, comment from duckdb_tables()").fetchall())
    for mart, comment in comments.items():
        assert ("every segment in one table: filter on period_grain and segment" in comment) == (
            mart.endswith("_by_period") or mart == "retention_by_cohort"
        ), mart
    for mart in ("churn_events", "churn_by_definition_by_period"):
        assert "never added up: filter on churn_definition" in comments[mart]
    assert "never added up: filter on basis" in comments["retention_by_cohort"]
    assert "filter on segment" in comments["customer_segments"]
    assert " Holds 6 grains and " in comments["kpis_by_period"]
    assert " Holds 5 grains and " in comments["retention_by_cohort"]
    assert "or use the views day.kpis, week.kpis, month.kpis, " in comments["kpis_by_period"]
    views = dict(readers.execute("select view_name, comment from duckdb_views() where schema_name = 'week'").fetchall())
    assert "Sums are right within one segment" in views["kpis_by_segment"] and "no filter" in views["kpis"]


def test_views_are_no_marts_and_stay_what_they_are_under_any_name(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "another name.duckdb"
    shutil.copyfile(folder / "marts.duckdb", copy)
    script = f"""
import duckdb
read = "select count(*), bit_xor(hash(found)) from {{}} as found"
answers = []
direct = duckdb.connect({str(copy)!r}, read_only=True)
views = direct.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall()
answers.append([direct.execute(read.format(f"{{s}}.{{v}}")).fetchall() for s, v in views])
marts = {{row[0] for row in direct.execute("select mart from published").fetchall()}}
assert not marts & {{name for _, name in views}} and len(views) == {len(ALL_VIEWS)}
direct.close()
other = duckdb.connect()
other.execute("create table customer_churn_by_period as select 1 as decoy")
other.execute("create table periods as select 1 as decoy")
other.execute("attach '{copy}' as anything (read_only)")
for prefix in ("anything.", ""):
    other.execute("use anything" if not prefix else "use memory")
    answers.append([other.execute(read.format(f"{{prefix}}{{s}}.{{v}}")).fetchall() for s, v in views])
assert answers[0] == answers[1] == answers[2] and all(found[0][0] for found in answers[0])
print("the same", duckdb.__version__)
"""
    for python, version in ((sys.executable, duckdb.__version__), (OTHER_PYTHON, "1.")):
        finished = subprocess.run([python, "-c", script], capture_output=True, text=True)
        assert f"the same {version}" in finished.stdout, finished.stderr


def test_without_labels_there_are_no_views(tmp_path: Path) -> None:
    """A project that has dropped the mart `periods`."""
    project = lean_project(tmp_path, ["customer_churn_by_period", "build_changes"])
    build(tmp_path, cwd=project)
    with duckdb.connect(str(tmp_path / "marts.duckdb"), read_only=True) as marts:
        assert not views_in(marts)
        assert marts.execute("select count(*) from customer_churn_by_period").fetchall() > [(0,)]
