# Two commands do everything: `make run` and `make test`. Both need only Python >= 3.11 and the package index.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test lint unit proof benchmarks screenshots snapshots keys clean

run: $(READY)
	@$(BIN)/cimis demo --fresh $(ARGS)

test: lint unit

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Tests start hundreds of processes: where nothing compiled may be kept, each would compile the same modules again.
unit: export PYTHONDONTWRITEBYTECODE =
unit: $(READY)
	$(BIN)/pytest -n 3 -m "not proof" $(ARGS)

# The longer proofs (docs/proofs.md): an hour of crashes, kills, power cuts and lies, with their counts.
proof: $(READY)
	$(BIN)/pytest -m proof -s -rs $(ARGS)

benchmarks: $(READY)
	@for b in benchmarks/bench_*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

# Records demo runs (some minutes), then paints every screen, and the moving picture of the README.
screenshots: $(READY)
	$(BIN)/python benchmarks/make_screenshots.py
	$(BIN)/python benchmarks/make_recording.py

# Accept what the screens look like now as the baseline of the snapshot tests. Look at them first.
snapshots: $(READY)
	$(BIN)/pytest tests/snapshot --snapshot-update

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; rm -rf .venv; exit 1; }
	@echo "Installing into .venv (once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

# The key tables of README.md and docs/keys.md, from the table of actions.
keys: $(READY)
	$(BIN)/python benchmarks/make_keys.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache demo-data
