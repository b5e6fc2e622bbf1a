# Two commands: `make demo` and `make test`. Each makes its own environment on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
PEERS := tests/peers
# Many tests wait for a process, a database or a phone: more of them at once than there are cores. Each worker collects them
# all, so not many more. 0: one after the other.
WORKERS ?= 6

# Many images of Python set it; then each of some hundred interpreters would compile the whole code anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test again planted quick torture check lint types imports docs pictures cards peers bench lock sbom audit licences wheel clean

install: $(INSTALLED)  ## what the bot runs on, and no more: as on a server

demo: $(INSTALLED)  ## sandbox, bot and seeded plan at http://localhost:8080
	$(BIN)/enlace demo $(DEMO)

test: $(READY)  ## the whole test suite; what cannot run here is skipped visibly
	@echo "The whole suite: seven to ten minutes on two cores, half as long again beside other work. A part: make quick"
	$(BIN)/python -m pytest -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not planted" $(TESTS)

again: $(READY)  ## what failed in the last run, one after the other, by name; fails if nothing had
	$(BIN)/python -m pytest -v -x -p no:xdist --last-failed --last-failed-no-failures none -m "not planted"

planted: $(READY)  ## each guarantee's planted defect turns its test red: before a release, and when tests/faults has changed
	$(BIN)/python -m pytest -rs -n $(WORKERS) -m planted tests/faults

quick: $(READY)  ## what needs no process, no network, no browser and no PostgreSQL: about two minutes on two quiet cores
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not browser and not wire and not postgres" $(TESTS)

check: lint types imports docs test  ## what CI runs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

docs: $(READY)  ## the documentation site in docs/_build/html; a dead link or an unreachable page is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html -d docs/_build/trees docs docs/_build/html

cards: docs  ## the focal point's cards as PDF, one sheet each, in docs/_build; needs Chromium
	$(BIN)/python docs/print_cards.py

pictures: $(READY)  ## the docs' pictures, taken anew from the real demo; needs Chromium and poppler
	$(BIN)/python docs/pictures.py

bench: $(READY)  ## Enlace and its peers in one run, with ratios; BENCH="--rounds 1 --seconds 3 --scenes polling"
	$(BIN)/python tests/benchmarks/bench.py $(BENCH)

MINUTES ?= 60
torture: $(READY)  ## the bot is killed and mistreated for an hour; MINUTES=10 SEED=1 ONLY=T1, or PLANT=name, PLANT=all
	$(BIN)/python tests/faults/torture.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) \
		$(if $(ONLY),--only "$(ONLY)") $(if $(PLANT),--plant $(PLANT))

# Bots made with other people's libraries, which the sandbox must serve too. Apart from ours: aiogram wants an older
# pydantic, and nothing that Enlace runs on is installed from npm.
peers: $(VENV)/peers/.ready $(PEERS)/node_modules/.ready  ## what tests/peers needs: Python, and Node with npm

$(VENV)/peers/.ready: $(PEERS)/requirements.lock | $(INSTALLED)
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(PEERS)/node_modules/.ready: $(PEERS)/package-lock.json
	@npm ci --prefix $(PEERS) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The locks name no index host; every package has its hashes. Needs uv and npm.
lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
		--python-version 3.11 --custom-compile-command "make lock" --quiet -o requirements.lock
	uv pip compile pyproject.toml --group build --constraint requirements.lock --universal --generate-hashes \
		--no-emit-index-url --no-annotate --python-version 3.11 --custom-compile-command "make lock" --quiet \
		-o deploy/requirements.lock
	uv pip compile $(PEERS)/requirements.in --universal --generate-hashes --no-emit-index-url \
		--python-version 3.11 --custom-compile-command "make lock" --quiet -o $(PEERS)/requirements.lock
	uv pip compile deploy/supply/requirements.in --universal --generate-hashes --no-emit-index-url --no-annotate \
		--python-version 3.11 --custom-compile-command "make lock" --quiet -o deploy/supply/requirements.lock
	npm install --prefix $(PEERS) --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

# What looks at the packages we are built of; it is installed with none of them.
SUPPLY := $(VENV)/supply
SITE = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

$(SUPPLY)/.ready: deploy/supply/requirements.lock
	@$(PYTHON) -m venv $(SUPPLY)
	@$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

sbom: $(INSTALLED) $(SUPPLY)/.ready  ## the bill of materials, CycloneDX, in dist/
	@$(SUPPLY)/bin/python -W ignore deploy/supply/supply.py sbom "$(SITE)"

audit: $(SUPPLY)/.ready  ## known vulnerabilities of what we are built of; says so if there is no data
	@$(SUPPLY)/bin/python deploy/supply/supply.py audit

licences: $(INSTALLED)  ## docs/licences.md, made anew
	@$(BIN)/python deploy/supply/supply.py licences "$(SITE)"

# The same commit makes the same bytes: its files as they are committed, its date, and nobody's umask.
wheel: $(INSTALLED)  ## the package of the last commit in dist/, the same bytes wherever it is made
	@umask 022 && made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && git -c tar.umask=0022 archive HEAD | tar -xp -C "$$made" && \
		SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m pip wheel --quiet \
		--disable-pip-version-check --no-deps --no-build-isolation -w dist "$$made" && sha256sum dist/*.whl

clean:
	rm -rf $(VENV) $(PEERS)/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis demo

$(INSTALLED): deploy/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Enlace needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r deploy/requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(READY): $(INSTALLED) requirements.lock
	@echo "Adding what it is tested with (about a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
