"""Stand-in for dbt's adapter, by which sqlfluff renders the models without dbt."""


def dispatch(name, package):
    return lambda *arguments: f"{name}({', '.join(arguments)})"
