# make run          set up .venv and run the study; ARGS are passed to Snakemake
# make test         set up the test tools too, check the style, run all tests but test-conda and test-cluster
# make test-fast    run the tests that do not start Snakemake, without the style: minutes
# make test-conda   run the study in conda environments too, made by a conda of the tests' own
# make test-cluster run the study on a Slurm cluster that is started here; as root, installs Debian's Slurm
# make resume       go on with a run that was killed, with the same ARGS
# make lint         check the style alone
# make notebook     write the Colab notebook anew from its source
# make lock         pin envs/*.in anew: envs/*.txt and the stacks envs/*.yaml

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SLURM := slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge iproute2

.PHONY: run test test-fast test-conda test-cluster resume lint notebook lock

run: .venv/.run
	@$(BIN)/snakemake show $(ARGS) || { echo "If an earlier run was killed: make resume"; exit 1; }

# The files in the order of tests/full/conftest.py, the longest first.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST) $(ARGS)

test-fast: .venv/.test
	$(PYTEST) -m "not full" $(ARGS)

test-conda: .venv/.test
	$(BIN)/python -m pytest -m conda $(ARGS)

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

notebook: .venv/.run
	$(BIN)/python notebooks/make_notebook.py

# A stamp appears only after its installation has finished, so an interrupted one goes on at the next call.
.venv/.run: envs/requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v != (3, 11) and f"Python 3.11 is needed, $(PYTHON) is {v[0]}.{v[1]}; call: make PYTHON=/path/to/python3.11")'
	@echo "Setting up .venv: about 200 packages, 2 GB, a few minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --requirement $<
	@touch $@

.venv/.test: envs/requirements-test.txt .venv/.run
	@echo "Adding the test tools to .venv"
	$(BIN)/pip install --requirement $<
	@touch $@

# torch is pinned without its build tag, so that the same file installs a CUDA build where there is one; what that needs of
# CUDA it brings by itself.
FREEZE = pip freeze --all --exclude pip | sed -E '/^(nvidia-|cuda-|triton==)/d; s/\+(cpu|cu[0-9]+)$$//'

lock:
	scratch=$$(mktemp -d) && $(PYTHON) -m venv $$scratch \
	&& $$scratch/bin/pip install --requirement envs/requirements.in \
	&& $$scratch/bin/$(FREEZE) > $$scratch/run.txt \
	&& $$scratch/bin/pip install --requirement envs/requirements-test.in \
	&& $$scratch/bin/$(FREEZE) > $$scratch/test.txt \
	&& { echo "# Made by make lock from requirements.in."; cat $$scratch/run.txt; } > envs/requirements.txt \
	&& { echo "# Made by make lock from requirements-test.in."; echo "-r requirements.txt"; \
	     comm -13 <(sort $$scratch/run.txt) <(sort $$scratch/test.txt); } > envs/requirements-test.txt \
	&& $$scratch/bin/python envs/pin.py \
	&& rm -r $$scratch
