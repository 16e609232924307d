# All a newcomer types. `make run` and `make test` need only `make` and `python3-venv`.
PYTHON ?= python3
BIN := .venv/bin
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11

.PHONY: auditor venv run test check format lock bench dashboards docs dist clean

venv: .venv/made-from-lock

.venv/made-from-lock: requirements/dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

run: venv ## The product's main job on real files, on this machine; ONCE=1 stops at the end
	$(BIN)/python -m demo $(if $(ONCE),--once)

test: venv
	$(BIN)/pytest -n 2 --dist worksteal

check: venv ## What must be true of every commit besides the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## Ratios, side by side in one run
	$(BIN)/python -m bench

lock: ## Make the locks anew (needs uv on PATH); they carry hashes and no index address
	$(COMPILE) --extra dev pyproject.toml --output-file requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt pyproject.toml --output-file requirements/agent.txt
	$(COMPILE) --constraint requirements/dev.txt --extra s3 --extra postgres pyproject.toml --output-file requirements/storage.txt
	$(COMPILE) --constraint requirements/dev.txt --extra server --extra s3 --extra postgres pyproject.toml --output-file requirements/centre.txt

dist: venv ## Packages for Debian 12 in dist/, installed without a network; ARCH=arm64 for the other kind
	$(BIN)/python -m deploy --arch $(or $(ARCH),amd64)

dashboards: venv ## Write dashboards/*.json anew
	$(BIN)/python -m dashboards

auditor: venv ## dist/auditor.pyz: the auditor as one file that needs only Python
	$(BIN)/python -m auditor.pack dist/auditor.pyz

docs: venv ## Write the tables of docs/metrics.md anew
	$(BIN)/python -m docs

clean:
	rm -rf .venv run dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
