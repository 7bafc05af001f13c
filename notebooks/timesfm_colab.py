# The source of timesfm_colab.ipynb. After a change here, `make notebook` writes the notebook again.

# %% [markdown]
# # The TimesFM experiments of FD-01 on a GPU
#
# You have no GPU? This notebook runs the TimesFM experiments on Colab, fine-tuning included, and gives you an archive
# of the predictions. Your own run imports it.
#
# 1. Choose a GPU: Runtime > Change runtime type > T4 GPU.
# 2. Fill in the next cell.
# 3. Run all cells.

# %% [parameters]
REPOSITORY = ""  # FILL IN: the address for `git clone`, or the path of a zip of the repository; empty: upload a zip
PRICES = ""  # path of your parquet of prices, such as /content/drive/MyDrive/SPY_dataset_a20.parquet; empty: upload it
DATASET = "spy"  # an entry of `datasets` in config.yaml
CONFIG = ""  # path of your configuration file, if your own run uses one (snakemake --configfile)
TORCH = "auto"  # build of torch; auto takes the one for the driver of the GPU; if that fails, give one, such as cu126

# %% [markdown]
# ## The GPU

# %%
import shutil
import subprocess

if shutil.which("nvidia-smi"):
    print(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout)
else:
    print("There is no GPU: fine-tuning (TFM-03, TFM-04) is left out, and the rest takes minutes instead of seconds.")

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
    """Run a command and show its output; raise `RuntimeError` if it fails."""
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with subprocess.Popen([str(part) for part in command], cwd=cwd, **pipes) as process:
        for line in process.stdout:
            print(line, end="")
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed with status {process.returncode}; its output above says why")


def your_file(path, what):
    """Absolute path of a file of the user: `path`, which may lie on Google Drive, or, if it is empty, an upload."""
    if path.startswith("/content/drive/"):
        from google.colab import drive

        drive.mount("/content/drive")
    if not path and COLAB:
        from google.colab import files

        print(f"Upload {what}.")
        path = next(iter(files.upload()), "")
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path!r}: fill in the path of {what} in the first cell.")
    return Path(path).absolute()


# %%
if FOLDER.exists():
    print(f"{FOLDER} exists already and is used.")
elif REPOSITORY and not REPOSITORY.endswith(".zip"):
    run("git", "clone", REPOSITORY, FOLDER)
else:
    with zipfile.ZipFile(your_file(REPOSITORY, "the zip of the repository")) as archive:
        archive.extractall("unpacked")
    min(Path("unpacked").rglob("Snakefile"), key=lambda path: len(path.parts)).parent.rename(FOLDER)

# %%
configs = [FOLDER / "config.yaml"]
if CONFIG:
    configs.append(your_file(CONFIG, "your configuration file"))
source = {}
for path in configs:
    source |= yaml.safe_load(path.read_text()).get("datasets", {}).get(DATASET, {}).get("source", {})
if source["kind"] == "parquet":
    prices = FOLDER / source["path"]
    if not prices.exists():
        shutil.copy(your_file(PRICES, "the price file (parquet)"), prices)
    print(prices)

# %% [markdown]
# ## The pinned packages
#
# On Colab the next cell makes a separate environment, so that Colab's own packages neither change nor matter. It holds
# Snakemake, the packages in `envs/timesfm.yaml` and `envs/analysis.yaml`, and everything that these need, with the
# versions in `envs/requirements.txt`. Outside Colab the environment of this notebook is used.

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
run(PYTHON, "-c", "import torch; print('torch', torch.__version__, '- finds a GPU:', torch.cuda.is_available())")
if shutil.which("nvidia-smi"):
    run(PYTHON, "-c", "import torch; torch.zeros(1, device='cuda')")  # fails if torch cannot use the GPU

# %% [markdown]
# ## The experiments
#
# This is `snakemake timesfm`. After an interruption, run the cell again: finished jobs are kept, and a training goes on
# after its last epoch. Stay connected: when Colab takes the machine back, the results on it are lost.

# %%
options = ["--config", f"dataset={DATASET}", "weights={missing: fail}"]
options += [*(["--configfile", configs[-1]] if CONFIG else []), "--quiet", "rules"]
run(PYTHON, "scripts/end_orphans.py", cwd=FOLDER)  # left by a kernel that died
run(PYTHON, "-m", "snakemake", "--unlock", *options, cwd=FOLDER)
run(PYTHON, "-m", "snakemake", "timesfm", *options, cwd=FOLDER)

# %% [markdown]
# ## The checklist
#
# Every experiment is scored on exactly the days of each block; otherwise the run would have stopped above. The list
# shows further checks. A cross is a result to look at, not a failure of the run. A dash means that the check does not
# apply.

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
# It holds the predictions, the manifest of the weights, and a manifest of everything that the predictions depend on:
# checksums of prices and origins, and the settings of each experiment. On your own machine, in the repository, with the
# same prices and the same configuration, run:
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
