"""Whether a rival's answers are the marts': python agreement.py <warehouse> <folder of answers>

Counts are to be equal and money to the cent, else a rival's time means nothing.
"""

import sys
from pathlib import Path

import duckdb

# What each answer is compared with: its keys, and the marts' rows at month grain. A row that is missing is all zeros.
ANSWERS = {
    "subscriptions": (
        ["month", "segment", "segment_value"],
        """
            select period_start_date as month, *
            from warehouse.marts.customer_churn_by_period
            inner join warehouse.marts.mrr_churn_by_period
                using (period_grain, period_start_date, segment, segment_value)
            where period_grain = 'month'
        """,
    ),
    "orders": (
        ["month", "segment", "segment_value"],
        """
            select period_start_date as month, *
            from warehouse.marts.repeat_purchase_by_period
            where period_grain = 'month'
        """,
    ),
    "cohorts": (
        ["cohort", "month"],
        """
            select
                cohort_start_date as cohort,
                cast(cohort_start_date + to_months(cast(periods_since as integer)) as date) as month,
                *
            from warehouse.marts.retention_by_cohort
            where basis = 'order' and period_grain = 'month' and segment = 'all' and retained_customers > 0
        """,
    ),
}
NUMBERS = ("_customers", "_mrr", "orders", "revenue", "_size")


def disagreements(warehouse: str, answers: str) -> tuple[list[str], int]:
    """Sentences, one per column that differs somewhere; and how many rows were compared."""
    sentences, compared = [], 0
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        for name, (keys, mart) in ANSWERS.items():
            file = Path(answers) / f"{name}.parquet"
            if not file.exists():
                continue
            columns = [row[0] for row in connection.execute(f"describe from '{file}'").fetchall()]
            columns = [column for column in columns if column.endswith(NUMBERS)]
            connection.execute(f"create or replace temp table mart as {mart}")
            connection.execute(f"""
                create or replace temp table answer as
                select * replace ({", ".join(f"cast({key} as date) as {key}" for key in keys if "segment" not in key)})
                from '{file}'
            """)
            if "segment" in keys:
                connection.execute("delete from mart where segment not in (select segment from answer)")
            joined = f"from mart full join answer using ({', '.join(keys)})"
            compared += connection.execute(f"select count(*) {joined}").fetchall()[0][0]
            for column in columns:
                ours, theirs = (f"coalesce(cast({table}.{column} as double), 0)" for table in ("mart", "answer"))
                different = connection.execute(f"""
                    select {", ".join(keys)}, {ours}, {theirs} {joined}
                    where abs({ours} - {theirs}) > 0.005
                    order by all
                """).fetchall()
                if different:
                    *key, our_value, their_value = different[0]
                    sentences.append(
                        f"{name}.{column} differs in {len(different)} rows, such as {', '.join(map(str, key))}: "
                        f"the mart has {our_value}, the rival {their_value}"
                    )
    return sentences, compared


if __name__ == "__main__":
    sentences, compared = disagreements(*sys.argv[1:])
    if sentences or not compared:
        sys.exit("\n".join(sentences) or "there is nothing to compare")
    print(f"{compared} rows agree")
