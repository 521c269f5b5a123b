"""Stand-in for dbt's exceptions, by which sqlfluff renders the models without dbt."""


def raise_compiler_error(message: str) -> str:
    return ""
