"""Ask every metric of the semantic layer, and compare the answers with the marts. Runs in .venv-metrics, after a build.

Expected is the row of a mart whose dates are those of the calendar's week, month, quarter or year, whatever its grain
is called; where there is none, as for fiscal years, every metric has to be null.
"""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

# The metrics by mart, and the column where a metric is called otherwise.
MARTS = {
    "customer_churn_by_period": (
        "opening_customers new_customers reactivated_customers churned_customers closing_customers net_new_customers "
        "churn_rate"
    ),
    "mrr_churn_by_period": (
        "opening_mrr new_mrr reactivation_mrr expansion_mrr contraction_mrr churned_mrr net_new_mrr mrr=closing_mrr "
        "arr=12*closing_mrr mrr_churn_rate gross_mrr_churn_rate net_mrr_churn_rate quick_ratio"
    ),
    "retention_by_period": "retention_rate nrr=net_revenue_retention grr=gross_revenue_retention",
    "clv_by_period": "period_is_complete=is_complete arpa ltv=subscription_clv order_ltv=order_clv",
    "repeat_purchase_by_period": (
        "orders revenue average_order_value ordering_customers new_ordering_customers repeat_customers "
        "purchase_frequency repeat_purchase_rate order_retention_rate"
    ),
    "customer_churn_by_period natural join marts.mrr_churn_by_period": "asp=new_mrr/nullif(new_customers,0)",
    "trial_conversion_by_period": "trials_started trials_converted trial_conversion_rate=conversion_rate",
}
GRAINS = ("week", "month", "quarter", "year")

Key = tuple[date, str, str]
Values = dict[str, Any]


def metrics_of(mart: str) -> dict[str, str]:
    """The metrics of a mart, and the expression on its columns that each must equal."""
    pairs = (metric.split("=") for metric in MARTS[mart].split())
    return {pair[0]: pair[-1] for pair in pairs}


def last_day(grain: str, start: date) -> date:
    """The last day of the calendar's week, month, quarter or year that begins on a day."""
    if grain == "week":
        return start + timedelta(days=6)
    months = start.year * 12 + start.month - 1 + {"month": 1, "quarter": 3, "year": 12}[grain]
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)


class Layer:
    """The semantic layer of the project in the current folder, over the warehouse that was built."""

    def __init__(self) -> None:
        """Raise whatever dbt says where the project cannot be loaded."""
        configuration = CLIConfiguration()
        configuration.setup(configure_file_logging=False)
        self.engine = configuration.mf
        self.adapter = configuration.dbt_artifacts.adapter
        self.metrics = {
            metric.name for metric in configuration.semantic_manifest.metrics if not metric.name.endswith("_row")
        }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse, in DuckDB's own types: MetricFlow's tables would make numbers of texts.

        Raises duckdb.Error where the query fails.
        """
        with self.adapter.connection_named("compare_metrics"):
            return self.adapter.connections.get_thread_connection().handle.cursor().execute(query).fetchall()

    def ask(self, metrics: Sequence[str], grain: str, by_segment: bool) -> dict[Key, Values]:
        """What the layer answers: the values of each period, in total or by segment, that has any."""
        groups = [f"metric_time__{grain}", *(["segment", "segment_value"] if by_segment else [])]
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=groups)
        columns = ", ".join([*groups, *metrics])
        answers: dict[Key, Values] = {}
        for row in self.rows(f"select {columns} from ({self.engine.explain(request).sql_statement.sql})"):
            start, *segment = row[: len(groups)]
            values = dict(zip(metrics, row[len(groups) :]))
            if any(value is not None for value in values.values()):
                key = (start.date(), *(segment or ("all", "all")))
                assert key not in answers, f"two rows of {grain} {key}"
                answers[key] = values
        return answers

    def expected(self, grain: str, by_segment: bool) -> dict[Key, Values]:
        """What the marts hold."""
        rows: dict[Key, Values] = {}
        for mart in MARTS:
            metrics = metrics_of(mart)
            query = (
                "select period_start_date, segment, segment_value, period_end_date, "
                f"{', '.join(metrics.values())} from marts.{mart} where period_grain <> 'day'"
            )
            for start, segment, value, end, *numbers in self.rows(query):
                if end == last_day(grain, start) and (by_segment or segment == "all") and starts(grain, start):
                    rows.setdefault((start, segment, value), dict.fromkeys(self.metrics)).update(zip(metrics, numbers))
        return {key: row for key, row in rows.items() if any(value is not None for value in row.values())}


def starts(grain: str, day: date) -> bool:
    """Whether the calendar's week, month, quarter or year begins on the day."""
    if grain == "week":
        return day.weekday() == 0
    return day.day == 1 and (day.month - 1) % {"month": 1, "quarter": 3, "year": 12}[grain] == 0


def main() -> int:
    """Print what was compared; 1 where the layer and the marts differ, or where a metric is compared with nothing."""
    layer = Layer()
    compared = {metric for mart in MARTS for metric in metrics_of(mart)}
    if compared != layer.metrics:
        print(f"Compared with no mart, or not there: {', '.join(sorted(compared ^ layer.metrics))}")
        return 1
    differences = 0
    for grain in GRAINS:
        for by_segment in (False, True):
            answers = layer.ask(sorted(compared), grain, by_segment)
            expected = layer.expected(grain, by_segment)
            where = "by segment" if by_segment else "in total"
            unequal = [
                f"{key} {metric}: the layer {answers.get(key, {}).get(metric)}, the mart {row.get(metric)}"
                for key in sorted(answers.keys() | expected.keys())
                for row in [expected.get(key, {})]
                for metric in sorted(compared)
                if answers.get(key, {}).get(metric) != row.get(metric)
            ]
            if grain == "month" and not expected:
                print("There is no month to compare.")
                return 1
            differences += len(unequal)
            print(f"{grain} {where}: {len(compared)} metrics, {len(expected)} rows, {len(unequal)} values differ")
            print("".join(f"  {line}\n" for line in unequal[:10]), end="")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
