# Two commands: `make demo` and `make test`. Each makes its own environment on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check lint types imports bench lock clean

demo: $(READY)  ## sandbox, bot and seeded plan at http://localhost:8080
	$(BIN)/enlace demo $(DEMO)

test: $(READY)  ## the whole test suite; what cannot run here is skipped visibly
	$(BIN)/python -m pytest -rs $(TESTS)

check: lint types imports test  ## what CI runs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

bench: $(READY)  ## Enlace and its peers in one run, with ratios; BENCH="--rounds 1 --seconds 3 --scenes polling"
	$(BIN)/python tests/benchmarks/bench.py $(BENCH)

# The lock names no index host; every package has its hashes. Needs uv.
lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
		--python-version 3.11 --custom-compile-command "make lock" --quiet -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis demo

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Enlace needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the environment in $(VENV) (about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
