"""Files that describe environments."""

import yaml


def conda_packages(path):
    """What the conda environment of a yaml file installs with pip."""
    (packages,) = (d["pip"] for d in yaml.safe_load(path.read_text())["dependencies"] if isinstance(d, dict))
    return packages
