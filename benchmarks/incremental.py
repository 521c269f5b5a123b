"""What a build of one day's changes would cost at least: python benchmarks/incremental.py <build folder> <raw folder>

The simplest sound design: find the customers with a raw row that is new, changed or gone since the last build, replace
their rows in the intermediate tables that are kept by customer, and make everything else anew. Measured is less than
that design needs: the rows that replace the old ones are copied, not computed, and nothing reaches the disk.
Prints seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

TABLES = ["customers", "subscriptions", "orders"]

# Who did something on the last day, and one customer in a thousand with a late or corrected row.
TOUCHED = """
    create temp table touched as
    select customer_id
    from intermediate.int_mrr_ledger
    where movement_date = (select max(movement_date) from intermediate.int_mrr_ledger)

    union

    select customer_id
    from intermediate.int_order_sequence
    where order_date = (select max(order_date) from intermediate.int_order_sequence)

    union

    select customer_id
    from staging.stg_customers
    where hash(customer_id) % 1000 = 0
"""


def main(folder: str, raw: str) -> None:
    connection = duckdb.connect(str(Path(folder) / "warehouse.duckdb"))
    connection.execute("set timezone = 'UTC'")

    def seconds(*statements: str) -> float:
        start = time.perf_counter()
        for statement in statements:
            connection.execute(statement)
        return time.perf_counter() - start

    connection.execute(TOUCHED)
    for table in TABLES:
        connection.execute(f"create view {table} as from read_parquet('{raw}/{table}.parquet')")
        rows = f"select customer_id, hash({table}) as row_hash from {table}"
        connection.execute(f"create temp table {table}_before as {rows}")

    measured = {"find": 0.0, "replace": 0.0, "kept": 0.0}
    for table in TABLES:
        # Rows that are not there with the same content on both sides; full, since rows may be gone.
        measured["find"] += seconds(f"""
            create temp table {table}_changed as
            select distinct coalesce(latest.customer_id, before.customer_id) as customer_id
            from (select customer_id, hash({table}) as row_hash from {table}) as latest
            full join {table}_before as before using (row_hash)
            where latest.row_hash is null or before.row_hash is null
        """)

    found = connection.execute("""
        select table_name from duckdb_columns()
        inner join duckdb_tables() using (schema_name, table_name)
        where schema_name = 'intermediate' and column_name = 'customer_id'
    """).fetchall()
    keyed = {table for (table,) in found}
    for table in sorted(keyed):
        name = f"intermediate.{table}"
        connection.execute(f"create temp table replacement as from {name} where customer_id in (from touched)")
        measured["replace"] += seconds(
            "begin", f"delete from {name} where customer_id in (from touched)", f"insert into {name} from replacement"
        )
        connection.execute("rollback")
        connection.execute("drop table replacement")

    results = json.loads((Path(folder) / "target" / "run_results.json").read_text())["results"]
    for result in results:
        kind, _, name = result["unique_id"].split(".")[:3]
        if kind == "model" and name in keyed:
            measured["kept"] += result["execution_time"]
    measured["touched"] = connection.execute("select count(*) from touched").fetchall()[0][0]
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
