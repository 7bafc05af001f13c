"""A `conda` for the tests, as much of it as Snakemake calls: real solver, real installer, and its own channel.

The channel holds python and pip, made out of the Python that runs the tests. What an environment lists under `pip:` is
installed as conda does it: by the environment's own pip.
"""

import argparse
import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

VERSION = "24.7.1"  # the oldest that Snakemake takes
PLATFORM = "linux-64"
LEFT_OUT = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "config-*"
)
ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'


def set_up(prefix, activate=ACTIVATE):
    """Put `conda` and `activate` into `prefix`/bin; they use the channel in `prefix`/channel."""
    (prefix / "bin").mkdir(parents=True)
    conda = prefix / "bin" / "conda"
    conda.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "{prefix}" "$@"\n')
    conda.chmod(0o755)
    (prefix / "bin" / "activate").write_text(activate)


def make_channel(channel):
    """Fill the folder `channel` with python and pip."""
    (channel / PLATFORM).mkdir(parents=True)
    python, major_minor = "{}.{}.{}".format(*sys.version_info), "{}.{}".format(*sys.version_info)
    with tempfile.TemporaryDirectory() as scratch:
        packed = [
            pack(channel, python_tree(Path(scratch, "python")), "python", python, []),
            pack(channel, *pip_tree(Path(scratch, "pip")), [f"python {major_minor}.*"]),
        ]
    for subdir, found in ((PLATFORM, dict(packed)), ("noarch", {})):
        (channel / subdir).mkdir(exist_ok=True)
        content = {"info": {"subdir": subdir}, "packages": found, "packages.conda": {}, "repodata_version": 1}
        (channel / subdir / "repodata.json").write_text(json.dumps(content))


def python_tree(root):
    """Interpreter and standard library in `root`."""
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, root / "lib" / library.name, ignore=LEFT_OUT)
    (root / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), root / "bin" / library.name)
    for link in ("python", "python3"):
        (root / "bin" / link).symlink_to(library.name)
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        name = sysconfig.get_config_var("INSTSONAME")
        shutil.copy2(Path(sysconfig.get_config_var("LIBDIR"), name), root / "lib" / name)
    return root


def pip_tree(root):
    """pip in `root`, from the wheel in the standard library; folder, name and version."""
    (wheel,) = Path(sysconfig.get_path("stdlib"), "ensurepip", "_bundled").glob("pip-*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(root / "lib" / Path(sysconfig.get_path("stdlib")).name / "site-packages")
    return root, "pip", wheel.name.split("-")[1]


def pack(channel, root, name, version, depends):
    """Make a conda package of the tree `root`; its file name and its entry in the index of the channel."""
    about = {
        **{"name": name, "version": version, "build": "0", "build_number": 0},
        **{"depends": depends, "subdir": PLATFORM},
    }
    files = [path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()]
    paths = [describe(path, root) for path in files]
    (root / "info").mkdir()
    (root / "info" / "index.json").write_text(json.dumps(about))
    (root / "info" / "paths.json").write_text(json.dumps({"paths": paths, "paths_version": 1}))
    archive = channel / PLATFORM / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(archive, "w:bz2", compresslevel=1) as content:
        for path in [*sorted((root / "info").iterdir()), *files]:
            content.add(path, path.relative_to(root))
    packed = archive.read_bytes()
    return archive.name, about | {"sha256": hashlib.sha256(packed).hexdigest(), "size": len(packed)}


def describe(path, root):
    """The entry of a file in a package's list."""
    kind = "softlink" if path.is_symlink() else "hardlink"
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"_path": str(path.relative_to(root)), "path_type": kind, "sha256": digest, "size_in_bytes": len(content)}


def create(prefix, file, environment):
    """`conda env create`: build `environment` from a yaml file."""
    import yaml
    from rattler import Channel, MatchSpec, VirtualPackage, install, solve

    wanted = yaml.safe_load(Path(file).read_text())
    assert wanted["channels"] == ["conda-forge", "nodefaults"]
    *named, pip = wanted["dependencies"]
    specs = [MatchSpec(spec, strict=False) for spec in named]
    channel = Channel((prefix / "channel").as_uri())

    async def build():
        system = VirtualPackage.detect()
        records = await solve([channel], specs, platforms=[PLATFORM, "noarch"], virtual_packages=system)
        await install(records, target_prefix=environment, cache_dir=prefix / "packages", show_progress=False)

    asyncio.run(build())
    listed = Path(f"{file}.requirements.txt")
    listed.write_text("\n".join(pip["pip"]))
    install_pip = ["-m", "pip", "install", "-U", "-r", listed, "--exists-action=b"]
    subprocess.run([Path(environment) / "bin" / "python", *install_pip], check=True)


def main(prefix, arguments):
    match arguments:
        case ["--version"]:
            print(f"conda {VERSION}")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": str(prefix), "platform": PLATFORM}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["clean", "-y", "--tarballs"]:
            pass
        case ["env", "create", *options]:
            parser = argparse.ArgumentParser()
            for flag in ("--quiet", "--no-default-packages"):
                parser.add_argument(flag, action="store_true")
            for option in ("--file", "--prefix"):
                parser.add_argument(option, required=True)
            asked = parser.parse_args(options)
            create(prefix, asked.file, asked.prefix)
        case _:
            sys.exit(f"conda {' '.join(arguments)}: Snakemake was not known to call this")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
