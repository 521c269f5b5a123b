"""Stand-ins for dbt's own macros, by which sqlfluff renders the models without dbt."""


def dateadd(datepart: str, interval: object, from_date: str) -> str:
    return f"{from_date} + interval '{interval} {datepart}'"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    return f"({second_date} - {first_date})"


def date_trunc(datepart: str, date: str) -> str:
    return f"date_trunc('{datepart}', {date})"


def type_string() -> str:
    return "varchar"
