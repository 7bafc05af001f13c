# make run          set up .venv and run the study; ARGS are passed to Snakemake
# make test         set up the test tools too, check the style, run all tests but test-conda and test-cluster
# make test-fast    run the tests that do not start Snakemake, without the style: minutes
# make test-conda   run the study in conda environments too, made by a conda of the tests' own
# make test-cluster run the study on a Slurm cluster that is started here; as root, installs Debian's Slurm
# make resume       go on with a run that was killed, with the same ARGS
# make lint         check the style alone
# make bench        run the benchmarks and write their page: about ten minutes on two idle cores
# make bench-panel  measure studies of 10, 100 and 1,000 series: at most 40 minutes on two idle cores
# make bench-trial  try the benchmark for a GPU on the CPU: a few minutes
# make notebook     write the Colab notebook from its source
# make lock         pin envs/*.in again, with Python 3.11: envs/*.txt and the conda environments envs/*.yaml
# PYTHON=/path/to/python3.12 names the Python that .venv is made with: 3.11, 3.12 or 3.13.

ifneq ($(words $(CURDIR)),1)
$(error The path $(CURDIR) has a space, and jobs of Snakemake fail there: move the project to a path without one)
endif

SHELL := /bin/bash
# The first that starts, as pyenv puts names into the path that do not; looked for once, and only where it is needed.
PYTHON ?= $(eval PYTHON := $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; print(sys.executable)' 2> /dev/null && exit; done; echo python3))$(PYTHON)
BIN := .venv/bin
SLURM := slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge iproute2
BROWSER := chromium npm libpangoft2-1.0-0
# uv needs seconds where pip needs minutes. It does not read pip's settings, which may lead to another build of torch.
install = if type -P uv > /dev/null && test -z "$$($(BIN)/pip config list)"; \
	then uv pip install --python $(BIN)/python --compile-bytecode --requirement $(1); \
	else $(BIN)/pip install --requirement $(1); fi

.PHONY: run test test-fast test-conda test-cluster resume lint bench bench-panel bench-trial notebook lock

run: .venv/.run
	@$(BIN)/snakemake show $(ARGS) || { echo "If an earlier run was killed: make resume"; exit 1; }

# The files in the order of tests/full/conftest.py, the longest first.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: lint .venv/.browser
	$(PYTEST) $(ARGS)

test-fast: .venv/.test
	$(PYTEST) -m "not full" $(ARGS)

test-conda: .venv/.test
	$(BIN)/python -m pytest -m conda tests/full/test_conda.py $(ARGS)

# Where Slurm cannot be installed, the tests that need it say so and are skipped.
test-cluster: .venv/.test
	@type -P slurmctld slurmd munged sinfo ip > /dev/null \
	|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(SLURM); } \
	|| echo "Slurm cannot be installed here: $(SLURM)"
	$(BIN)/python -m pytest -m cluster tests/full/test_cluster.py $(ARGS)

resume: .venv/.run
	$(BIN)/python scripts/end_orphans.py $(ARGS)
	$(BIN)/snakemake --unlock $(ARGS)
	$(BIN)/snakemake show $(ARGS)

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check .
	$(BIN)/snakemake --lint
	site=$$(mktemp -d) && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir $$site && rm -r $$site

bench: .venv/.run
	$(BIN)/python bench/run_all.py

bench-panel: .venv/.run
	$(BIN)/python bench/panel.py $(ARGS)

bench-trial: .venv/.run
	scratch=$$(mktemp -d) && $(BIN)/python bench/gpu.py --device cpu --quick --out $$scratch && rm -r $$scratch

notebook: .venv/.run
	$(BIN)/python notebooks/make_notebook.py

# A stamp appears only after its installation has finished, so an interrupted one goes on at the next call.
.venv/.run: envs/requirements.txt
	@type -P "$(PYTHON)" > /dev/null \
	|| { echo "There is no $(PYTHON): install Python 3.11, 3.12 or 3.13, and call make PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" envs/check_machine.py
	@echo "Setting up .venv: about 200 packages, 2 GB, a few minutes"
	@test -x $(BIN)/pip && test "$$($(BIN)/python --version)" = "$$("$(PYTHON)" --version)" \
	|| "$(PYTHON)" -m venv --clear .venv
	@$(call install,$<)
	@touch $@

.venv/.test: envs/requirements-test.txt .venv/.run
	@echo "Adding the test tools to .venv"
	@$(call install,$<)
	@touch $@

# A browser, and what WeasyPrint needs. Where they cannot be installed, the tests that need a browser say so and are
# skipped; with CI=true they fail.
.venv/.browser: tests/browser/package-lock.json .venv/.test
	@{ { type -P chromium || type -P chromium-browser || type -P google-chrome; } && type -P npm \
	&& $(BIN)/python -c 'import weasyprint'; } > /dev/null 2>&1 \
	|| { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(BROWSER); } \
	&& npm ci --prefix tests/browser --no-audit --no-fund && touch $@ \
	|| echo "A browser for the tests cannot be installed here: $(BROWSER)"

# torch is pinned without its build tag: the same file then installs a CUDA build where there is one. The packages of CUDA
# are not pinned: torch names their versions.
FREEZE = pip freeze --all --exclude pip | sed -E '/^(nvidia-|cuda-|triton==)/d; s/\+(cpu|cu[0-9]+)$$//'

# The conda environments have Python 3.11, and a newer Python needs fewer packages.
lock:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "make lock needs Python 3.11: PYTHON=/path/to/python3.11")'
	scratch=$$(mktemp -d) && "$(PYTHON)" -m venv $$scratch \
	&& $$scratch/bin/pip install --requirement envs/requirements.in \
	&& $$scratch/bin/$(FREEZE) > $$scratch/run.txt \
	&& $$scratch/bin/pip install --requirement envs/requirements-test.in \
	&& $$scratch/bin/$(FREEZE) > $$scratch/test.txt \
	&& { echo "# Made by make lock from requirements.in."; cat $$scratch/run.txt; } > envs/requirements.txt \
	&& { echo "# Made by make lock from requirements-test.in."; echo "-r requirements.txt"; \
	     comm -13 <(sort $$scratch/run.txt) <(sort $$scratch/test.txt); } > envs/requirements-test.txt \
	&& $$scratch/bin/python envs/pin.py \
	&& rm -r $$scratch
