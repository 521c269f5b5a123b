"""Stand-ins for dbt's own macros, by which sqlfluff renders the models without dbt."""


def dateadd(datepart, interval, from_date):
    return f"{from_date} + interval '{interval} {datepart}'"


def datediff(first_date, second_date, datepart):
    return f"({second_date} - {first_date})"


def date_trunc(datepart, date):
    return f"date_trunc('{datepart}', {date})"


def type_string():
    return "varchar"
