"""The least anyone can do: DuckDB reads the raw files once and adds up each in one grouped aggregate.

python floor.py <raw folder> <folder for answers> subscriptions|orders
python floor.py <raw folder> <folder for answers> marts <file of published marts>

The second form is the floor of a whole build: it reads all raw files so, and writes each published mart once, finished
as it is, into a new warehouse.
"""

import sys
from pathlib import Path

import duckdb

SUMS = {
    "customers": "select country, acquisition_channel, count(*), max(created_at) from {} group by all",
    "subscriptions": """
        select plan_id, status, count(*), count(distinct customer_id), sum(quantity), max(discount_percent),
            min(started_at), max(ended_at)
        from {} group by all
    """,
    "orders": """
        select date_trunc('month', ordered_at), status, count(*), count(distinct customer_id), sum(amount),
            sum(refunded_amount)
        from {} group by all
    """,
}


def read_raw(raw: str, answers: str, *tables: str) -> None:
    """Add up each of these raw tables."""
    for table in tables:
        duckdb.sql(f"copy ({SUMS[table].format(repr(f'{raw}/{table}.parquet'))}) to '{answers}/{table}_floor.parquet'")


def write_marts(marts: str, warehouse: Path) -> None:
    """Write each mart of a published file once, into a new file with the storage version of the build's warehouse."""
    warehouse.unlink(missing_ok=True)
    duckdb.sql(f"attach '{marts}' as published (read_only)")
    duckdb.sql(f"attach '{warehouse}' as warehouse (storage_version 'v1.2.0')")
    for (mart,) in duckdb.sql("select mart from published.published order by mart").fetchall():
        duckdb.sql(f"create table warehouse.{mart} as from published.{mart}")
    duckdb.sql("detach warehouse")  # what is not written yet is written now


def main(raw: str, answers: str, side: str, marts: str = "") -> None:
    """Do the least for one side, or for all marts."""
    if side == "marts":
        read_raw(raw, answers, *SUMS)
        write_marts(marts, Path(answers) / "floor.duckdb")
    else:
        read_raw(raw, answers, "customers", side)


if __name__ == "__main__":
    main(*sys.argv[1:])
