# The source of timesfm_colab.ipynb: `make notebook` writes that anew.

# %% [markdown]
# # The TimesFM experiments of FD-01 on a GPU
#
# For those who have no GPU: this notebook runs the TimesFM experiments on Colab, fine-tuning included, and gives you
# an archive that your own run takes over. Choose a GPU (Runtime > Change runtime type > T4 GPU), fill in the next
# cell, run all.

# %% [parameters]
REPOSITORY = ""  # >>> YOURS: the address for `git clone`, or the path of a zip of the repository; empty: upload a zip
PRICES = ""  # path of your parquet of prices, such as /content/drive/MyDrive/SPY_dataset_a20.parquet; empty: upload it
DATASET = "spy"  # an entry of `datasets` in config.yaml
CONFIG = ""  # path of your file of choices, if your own run has one: snakemake --configfile
TORCH = "auto"  # build of torch: auto asks the driver of the GPU; if none fits, cu126 or another that its version has

# %% [markdown]
# ## The GPU

# %%
import shutil
import subprocess

if shutil.which("nvidia-smi"):
    print(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout)
else:
    print("No GPU is there: what only runs with one is left out (TFM-03, TFM-04), the rest takes minutes, not seconds.")

# %% [markdown]
# ## The repository and the prices

# %%
import json
import sys
import zipfile
from pathlib import Path

import yaml

COLAB = "google.colab" in sys.modules
FOLDER = Path("fd01").absolute()


def run(*command, cwd=None):
    """Run a command, show what it says, stop where it fails."""
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with subprocess.Popen([str(part) for part in command], cwd=cwd, **pipes) as process:
        for line in process.stdout:
            print(line, end="")
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed with status {process.returncode}; the reason stands above")


def your_file(path, what):
    """A file of yours: at `path`, where this may be on Drive, or uploaded."""
    if path.startswith("/content/drive/"):
        from google.colab import drive

        drive.mount("/content/drive")
    if not path and COLAB:
        from google.colab import files

        print(f"Upload {what}.")
        path = next(iter(files.upload()), "")
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path!r}: say in the first cell where {what} is.")
    return Path(path).absolute()


# %%
if FOLDER.exists():
    print(f"{FOLDER} is there already.")
elif REPOSITORY and not REPOSITORY.endswith(".zip"):
    run("git", "clone", REPOSITORY, FOLDER)
else:
    with zipfile.ZipFile(your_file(REPOSITORY, "the zip of the repository")) as archive:
        archive.extractall("unpacked")
    min(Path("unpacked").rglob("Snakefile"), key=lambda path: len(path.parts)).parent.rename(FOLDER)

# %%
choices = [FOLDER / "config.yaml"]
if CONFIG:
    choices.append(your_file(CONFIG, "your file of choices"))
source = {}
for path in choices:
    source |= yaml.safe_load(path.read_text()).get("datasets", {}).get(DATASET, {}).get("source", {})
if source["kind"] == "parquet":
    prices = FOLDER / source["path"]
    if not prices.exists():
        shutil.copy(your_file(PRICES, "the parquet of prices"), prices)
    print(prices)

# %% [markdown]
# ## The pinned packages
#
# In an environment of their own, so that the packages of Colab neither change nor matter: what `envs/timesfm.yaml` and
# `envs/analysis.yaml` list, Snakemake, and what these need, all at the versions of `envs/requirements.txt`. Outside
# Colab the environment of this notebook is used as it is.

# %%
PYTHON = FOLDER / ".venv" / "bin" / "python" if COLAB else sys.executable
if COLAB:
    packages = ["snakemake"]
    for name in ("timesfm", "analysis"):
        environment = yaml.safe_load((FOLDER / "envs" / f"{name}.yaml").read_text())
        packages += next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pins = FOLDER / "envs" / "requirements.txt"
    run(sys.executable, "-m", "pip", "install", "--quiet", "uv>=0.7.14")
    run("uv", "venv", "--quiet", "--allow-existing", "--python", "3.11", FOLDER / ".venv")
    run("uv", "pip", "install", "--python", PYTHON, "--torch-backend", TORCH, "--constraint", pins, *packages)

# %%
run(PYTHON, "-c", "import torch; print('torch', torch.__version__, '- sees a GPU:', torch.cuda.is_available())")
if shutil.which("nvidia-smi"):
    run(PYTHON, "-c", "import torch; torch.zeros(1, device='cuda')")  # stops here if torch cannot use the GPU

# %% [markdown]
# ## The experiments
#
# `snakemake timesfm`. Run again after an interruption, it goes on where it was, a training after its last epoch. A
# machine that Colab takes back takes the run along: stay connected.

# %%
options = ["--config", f"dataset={DATASET}", "weights={missing: fail}"]
options += [*(["--configfile", choices[-1]] if CONFIG else []), "--quiet", "rules"]
run(PYTHON, "scripts/end_orphans.py", cwd=FOLDER)  # of a kernel that died
run(PYTHON, "-m", "snakemake", "--unlock", *options, cwd=FOLDER)
run(PYTHON, "-m", "snakemake", "timesfm", *options, cwd=FOLDER)

# %% [markdown]
# ## The study's checklist
#
# Reaching this cell means that every experiment is scored on exactly the days of each block: the run stops otherwise.
# A cross is a result to be looked at, not a failure of the run; a dash means that the check does not apply.

# %%
from IPython.display import Markdown, display

MARKS = {True: "✓", False: "✗", None: "–"}
lines = ["| experiment | check | | evidence |", "|---|---|---|---|"]
for path in sorted((FOLDER / "results" / DATASET / "checks-timesfm").glob("*.json")):
    for check in json.loads(path.read_text()):
        lines.append(f"| {path.stem} | {check['check']} | {MARKS[check['ok']]} | {check['detail']} |")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## The archive
#
# Prediction files, the manifest of the weights, and a manifest of what they rest on: checksums of prices and origins,
# and the settings of each experiment. At home, in the repository, with the same prices and choices:
#
#     snakemake import_predictions --config dataset=spy archive=timesfm-spy.zip
#     snakemake --config dataset=spy

# %%
run(PYTHON, "-m", "snakemake", "export_predictions", *options, cwd=FOLDER)
archive = FOLDER / "results" / DATASET / "export" / f"timesfm-{DATASET}.zip"
print(f"{archive}, {archive.stat().st_size:,} bytes")
if COLAB:
    from google.colab import files

    files.download(str(archive))
