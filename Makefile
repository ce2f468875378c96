# Everything from nothing but Python and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: data demo screen reproduce test test-all test-shuffled test-lowest coverage lint types mutation audit bench docs clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

# At once with what .installed has; modules are compiled when a test imports them, not all two minutes long.
$(VENV)/.installed-test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[test]'
	touch $(VENV)/.installed $@

demo: $(VENV)/.installed
	$(BIN)/ase-bimetal demo

# A first screening, 16 dopants × 12 ligands × 5 motifs, and its report to open in a browser.
screen: $(VENV)/.installed-screen
	$(BIN)/ase-bimetal screen --example --out results
	$(BIN)/ase-bimetal report results --out report.html

$(VENV)/.installed-screen: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[screen,report]'
	touch $@

# The published tables and figures beside ours, as one page to open in a browser.
reproduce: $(VENV)/.installed-reproduce
	$(BIN)/ase-bimetal reproduce reproduced

$(VENV)/.installed-reproduce: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[featurize,ligands,train,label,graph,boost,explain,report]'
	touch $@

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not heavy"

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -q

# The tests three times, each time in another order: none may need what another one leaves behind.
test-shuffled: $(VENV)/.installed-test
	for seed in 1 2 3; do OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not heavy" \
		--random-order-bucket module --random-order-seed $$seed || exit 1; done

# Lines that the tests pass, by file; files without gaps are left out.
coverage: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not heavy" --cov --cov-report term-missing:skip-covered

# The tests with the lowest versions that pyproject.toml allows; old versions may warn. UV_OPTIONS says where torch is from.
UV_OPTIONS ?= --torch-backend cpu
$(VENV)-lowest/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lowest/bin/uv pip install --quiet --python $(VENV)-lowest/bin/python --resolution lowest-direct $(UV_OPTIONS) -e '.[test]'
	touch $@

test-lowest: $(VENV)-lowest/.installed
	OMP_NUM_THREADS=1 $(VENV)-lowest/bin/python -m pytest -q -n 2 --dist loadfile -m "not heavy" -W default

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/codespell *.md *.toml Makefile ase_bimetal calculators matminer_featurizers tests docs benchmarks

# All that follows from the labels (networks, cards, tables, pages), in a copy of this folder: make data OUT=../new
data: $(VENV)/.installed-test
	$(BIN)/python -m ase_bimetal.lab.build $(OUT)

# What users wait for, in CPU time, against the way before and other tools: benchmarks/bench.json, shown by docs/benchmarks.md.
bench: $(VENV)/.installed-test $(VENV)-peers/.installed
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore benchmarks/bench.py

# Those other tools, one by one: what cannot be installed is absent from the page.
$(VENV)-peers/.installed: benchmarks/peers.txt constraints.txt
	$(PYTHON) -m venv $(VENV)-peers
	while read -r peer; do $(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$peer" \
		|| echo "$$peer is absent"; done < benchmarks/peers.txt
	touch $@

# Strict mypy over the whole package, and over a script of a user.
types: $(VENV)/.installed-test
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy tests/typed_script.py

# Known vulnerabilities of the pinned packages, and risky calls beyond those that docs/security.md explains.
audit:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check bandit pip-audit
	$(VENV)-audit/bin/pip-audit -r constraints.txt --no-deps --disable-pip
	$(VENV)-audit/bin/bandit -q -r ase_bimetal calculators matminer_featurizers -ll -b tests/bandit_baseline.json

# Breaks one expression at a time and prints what no test notices; a sample of each module.
mutation: $(VENV)/.installed-test
	$(BIN)/python tests/mutation.py

docs: $(VENV)/.installed-test
	$(BIN)/python -m sphinx -W --keep-going -E docs docs/_build/html

clean:
	rm -rf $(VENV) $(VENV)-audit $(VENV)-lowest $(VENV)-peers build dist *.egg-info cluster.png
