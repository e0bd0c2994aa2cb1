# Everything that people and CI run. A target sets up what it needs; `make help` lists them.
# A variable for one call: REFIT_HOME=~/elsewhere make refit

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Never download an interpreter, and trust what this machine trusts: a company has a CA of its own.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
# Compiled modules are kept, whatever the shell says: each process of Dagster imports thousands.
unexport PYTHONDONTWRITEBYTECODE
export REFIT_HOME ?= $(CURDIR)/refit_home

BIN := .venv/bin
SETUP := .cache/setup
# The JDK that `make setup` found; asked for when a recipe runs, not when make starts.
WITH_JAVA = JAVA_HOME="$$(cat $(SETUP)/java)"
TESTS ?=
PORT ?= 3000
BENCH_MODELS ?= .cache/benchmark_models

.PHONY: refit test dev setup check fix test-fast bench bench-java bench-scale bench-executors e2e images deploy \
	undeploy deploy-check docs help python java maven kubeconfig

refit: setup ## The whole main job on real data: land, features, trials, jar, evaluation, release
	@$(WITH_JAVA) $(BIN)/refit demo

test: setup ## All tests that need no cluster; TESTS=path for some of them
	@$(WITH_JAVA) $(BIN)/pytest -m "not cluster" $(TESTS)

# From Dagster's own home: beside our dagster.yaml it warns that it reads the other one.
dev: setup ## Dagster's UI on localhost, PORT=3000: the asset graph, sensors, schedules, checks
	@mkdir -p "$(REFIT_HOME)/dagster" && cp dagster.yaml "$(REFIT_HOME)/dagster/dagster.yaml"
	@echo "http://localhost:$(PORT), once it is up; Ctrl-C ends it"
	@java="$$(cat $(SETUP)/java)" && cd "$(REFIT_HOME)/dagster" && \
		JAVA_HOME="$$java" DAGSTER_HOME="$$PWD" PYTHONWARNINGS='ignore:Function `dev_command`' \
		exec "$(CURDIR)/$(BIN)/dagster" dev -p $(PORT) -w "$(CURDIR)/workspace.yaml"

setup: python java maven ## The environment alone: Python from uv.lock, a JDK 17, Maven

check: python ## Format, lint, types, import direction, the lock, the generated pages
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-cache
	@"$$(scripts/tools uv)" lock --check --quiet
	@$(BIN)/python docs/generate.py --check

fix: python ## Format, and fix what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# In memory where the system has such a folder: these tests write many small files and databases.
test-fast: python ## The tests without a JVM, on all cores
	@if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi; \
		$(BIN)/pytest -n auto --dist worksteal -m "not (spark or h2o or maven or cluster)" $(TESTS)

bench: setup ## The pipeline beside a bare script, and the tables of docs/performance.md
	@$(WITH_JAVA) $(BIN)/python -m benchmarks

bench-scale: setup ## What grows with the rows, for docs/scaling.md; FACTORS="1 10 50" DAYS=28
	@$(WITH_JAVA) $(BIN)/python -m benchmarks.scale

bench-executors: setup kubeconfig ## Executors against rows, on the cluster of KUBECONFIG; for docs/scaling.md
	@$(WITH_JAVA) $(BIN)/python -m benchmarks.executors

bench-java: setup ## The scoring jar beside H2O's own ways to score, by JMH; ten minutes
	@test -d $(BENCH_MODELS) || $(WITH_JAVA) $(BIN)/python -m benchmarks.java.train $(BENCH_MODELS)
	@$(WITH_JAVA) $(BIN)/python -m benchmarks.java.run $(BENCH_MODELS) all

e2e: setup kubeconfig ## The tests that need a Kubernetes cluster (KUBECONFIG)
	@$(WITH_JAVA) $(BIN)/pytest -m cluster -p no:randomly -v --durations=0 $(TESTS)

kubeconfig: ## Says so where KUBECONFIG names no cluster
	@test -n "$$KUBECONFIG" || { echo "error: KUBECONFIG names no cluster" >&2; exit 1; }

images: ## The four images: control, spark, h2o, maven
	@deploy/images/build

deploy: ## The trial overlay into the cluster of KUBECONFIG
	@deploy/deploy up

undeploy: ## Take that away again
	@deploy/deploy down

deploy-check: ## Build every overlay and check every object against its schema
	@deploy/check

docs: python ## Generate the reference and the picture of the asset graph
	@$(BIN)/python docs/generate.py

help: ## This list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  make %-13s %s\n' "$$target" "$$text"; done

# Re-done when the lock changes, or when somebody removed the environment; else it costs nothing.
python: .venv/.synced

.venv/.synced: uv.lock pyproject.toml
	@uv="$$(scripts/tools uv)" && "$$uv" sync --locked --all-extras --quiet
	@touch $@

java: # An empty answer must not find /bin/javac.
	@test -s $(SETUP)/java && test -x "$$(cat $(SETUP)/java)/bin/javac" || \
		{ mkdir -p $(SETUP) && found="$$(scripts/tools java)" && echo "$$found" > $(SETUP)/java; }

maven:
	@test -x "$$(cat $(SETUP)/maven 2>/dev/null)" || \
		{ mkdir -p $(SETUP) && found="$$(scripts/tools maven)" && echo "$$found" > $(SETUP)/maven; }
