# make build   an environment in .venv, then the marts: of the demo company, or of VARS='{"raw_location": ...}'
# make build TARGET=postgres|spark   the same on another engine, in .venv-postgres or .venv-spark
# make engines   demo, real data and random companies on three engines, every mart compared
# make restore   readers get the marts back that were published before the latest ones
# make test    every check: linters, whole builds, real data; PostgreSQL and Spark where they are installed
# make test-all   the same with more on PostgreSQL and Spark, more random companies and more killed builds; hours
# make validate  the guard alone: are the raw tables as the contract wants them? TABLE=orders: that table alone
# make board   the marts as HTML pages that open from the disk: board/index.html
# make look    the same pages with filters, served on this machine alone
# make pictures   README's pictures of the board, in charts/pictures (needs Chromium)
# make docs    one HTML file about every model and column: target/static_index.html
# make lint    style and conventions of SQL and Python
# make contracts   the data contract as files in contracts/: ODCS, JSON schemas, templates of the raw tables
# make check-contracts   datacontract-cli reads them, and tests marts.duckdb by them
# make demo-sources   the marts of two vendors' data in two currencies, in demo_sources_marts.duckdb
# make metrics   every metric of the semantic layer, asked by week, month, quarter and year, and compared with the marts
# make superset   Superset in an environment of its own shows charts/superset, compared with the marts (needs Chromium)
# make bench   time and memory beside the usual ways, on SIZE=S, M, L or a number of customers: benchmarks/README.md
# make lock    pin the newest packages that requirements/*.in allow (needs uv)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DBT := .venv/bin/dbt
SIZE ?= S
# The output of profiles.yml to build on: what is no DuckDB has an environment of its own.
TARGET ?= duckdb
ENGINE := $(firstword $(subst _, ,$(TARGET)))
ENVIRONMENT := $(if $(wildcard requirements/$(ENGINE).in),.venv-$(ENGINE)/$(ENGINE),.venv/build)
SOURCES := {billing_sources: {billing: {type: stripe_fivetran, location: "demo_sources/stripe/{file}.csv"}, \
	shop: {type: shopify_csv, location: "demo_sources/shop/{file}.csv"}}, \
	raw_location: "demo_sources/{table}.csv", customer_identity: email, as_of_date: "2024-07-01"}
RECONCILIATION := select source_name, raw_table, rows_read, rows_kept, currencies, mrr \
	from {{ ref('source_reconciliation') }} order by source_name, raw_table

# Unit tests do not depend on the data: `make test` runs them.
BUILD := build --exclude-resource-type unit_test
WITH_VARS = $(if $(VARS),--vars '$(VARS)')

.PHONY: build engines engine-packages demo-sources restore validate board look pictures test test-all docs lint \
	contracts check-contracts metrics superset bench lock

build: $(ENVIRONMENT)
	$(call needs,$(ENGINE))
	$(dir $<)bin/dbt $(BUILD) $(if $(filter-out duckdb,$(TARGET)),--target $(TARGET) )$(WITH_VARS)

# Stops where what a target needs beside its environment is missing.
needs = $(if $(needs_$1),@$(needs_$1))
needs_spark = command -v java >/dev/null \
	|| { echo "Spark needs Java 17, and there is no java: make engines installs it, as root on Debian."; exit 1; }
needs_postgres = $(dir $<)bin/python -c 'import os, socket; socket.create_connection((os.environ.get("RETENTION_POSTGRES_HOST", \
	"127.0.0.1"), os.environ.get("RETENTION_POSTGRES_PORT", "5432")), 5)' 2>/dev/null \
	|| { echo "No PostgreSQL server answers where RETENTION_POSTGRES_HOST and RETENTION_POSTGRES_PORT say, by default" \
	"127.0.0.1 and 5432."; exit 1; }

engines: engine-packages .venv/test .venv-postgres/postgres .venv-spark/spark
	.venv/bin/python tests/python/other_engines.py

# What pip does not install of the engines.
engine-packages:
	@if [ -z "$(strip $(missing_packages))" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update --quiet=2 \
		&& DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $(missing_packages); \
	else echo "Install these packages, or run make $@ as root on Debian: $(strip $(missing_packages))"; exit 1; fi

missing_packages = $(if $(shell command -v java),,openjdk-17-jre-headless) \
	$(if $(wildcard /usr/lib/postgresql/*/bin/initdb)$(shell command -v initdb),,postgresql)

demo-sources: export RETENTION_WAREHOUSE = demo_sources.duckdb
demo-sources: export RETENTION_MARTS = demo_sources_marts.duckdb
demo-sources: .venv/build
	.venv/bin/python seeds/demo/sources.py demo_sources
	$(DBT) $(BUILD) --vars '$(SOURCES)'
	$(DBT) show --vars '$(SOURCES)' --inline "$(RECONCILIATION)"

restore: .venv/build
	$(DBT) run-operation restore_publication

validate: .venv/build
	.venv/bin/python -m plugins.validate $(if $(TABLE),--table $(TABLE)) $(if $(VARS),--vars '$(VARS)')

board: .venv-board/board
	.venv-board/bin/python charts/board.py write

look: .venv-board/board
	.venv-board/bin/python charts/board.py serve

pictures: .venv-board/test
	.venv-board/bin/python charts/pictures.py

test: lint .venv/test .venv-bench/bench .venv-board/board
	.venv/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 20 $(LEFT_OUT) tests/python

# Most tests of PostgreSQL and Spark.
LEFT_OUT := -m "not slow"

test-all: LEFT_OUT :=
test-all: export KILLS ?= 40
test-all: export RANDOM_COMPANIES ?= 12
test-all: test

docs: export RETENTION_WAREHOUSE = target/docs.duckdb
docs: export RETENTION_MARTS = target/docs_marts.duckdb
docs: .venv/build
	mkdir -p target
	rm -f $(RETENTION_WAREHOUSE) $(RETENTION_MARTS)
	$(DBT) $(BUILD) $(WITH_VARS)
	$(DBT) docs generate --static $(WITH_VARS)

lint: .venv/build .venv-lint/lint
	.venv-lint/bin/sqlfluff lint --processes 0 models tests/singular
	$(DBT) parse --target-path target/lint
	.venv-lint/bin/dbt-bouncer run --config-file dbt-bouncer.yml
	.venv-lint/bin/ruff check
	.venv-lint/bin/ruff format --check
	.venv-lint/bin/mypy

contracts: .venv/build
	.venv/bin/python -m plugins.contracts

check-contracts: .venv-contracts/contracts
	for file in contracts/*.odcs.yaml; do .venv-contracts/bin/datacontract lint $$file || exit 1; done
	.venv-contracts/bin/datacontract test contracts/marts.odcs.yaml

metrics: .venv-metrics/metrics
	.venv-metrics/bin/mf validate-configs
	.venv-metrics/bin/python tests/python/compare_metrics.py

superset: .venv-superset/superset
	.venv-superset/bin/python tests/bi/superset.py

bench: .venv/build .venv-bench/bench
	.venv-bench/bin/python benchmarks/bench.py $(SIZE)

lock:
	for name in build test lint bench contracts metrics board board_test superset postgres spark; do \
		uv pip compile requirements/$$name.in --output-file requirements/$$name.txt --upgrade --quiet --universal \
			--python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate \
			|| exit 1; \
	done
	npm update --prefix requirements/axe --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --silent

# An environment, named by the folder of the target.
define environment
	$(PYTHON) -m venv $(@D)
	$(install)
	touch $@
endef
install = $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<

.venv/build: requirements/build.txt
	$(environment)

.venv/test: requirements/test.txt .venv/build
	$(install)
	touch $@

.venv-lint/lint: requirements/lint.txt
	$(environment)

.venv-bench/bench: requirements/bench.txt
	$(environment)

.venv-postgres/postgres: requirements/postgres.txt
	$(environment)

.venv-spark/spark: requirements/spark.txt
	$(environment)

.venv-contracts/contracts: requirements/contracts.txt
	$(environment)

.venv-metrics/metrics: requirements/metrics.txt
	$(environment)

.venv-board/board: requirements/board.txt
	$(environment)

.venv-superset/superset: requirements/superset.txt
	$(environment)

.venv-board/test: requirements/board_test.txt requirements/axe/package-lock.json .venv-board/board
	$(install)
	cp -r requirements/axe .venv-board/
	npm ci --prefix .venv-board/axe --ignore-scripts --no-audit --no-fund --silent
	touch $@
