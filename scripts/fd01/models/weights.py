"""Weights of pre-trained models: fetched at a pinned revision, checked, and described by a manifest."""

import logging
import os
import shutil
from pathlib import Path

from fd01.models.lag_llama_checkpoint import convert
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import read_json, replacing, sha256

PATIENCE = 5  # seconds that a server may keep silent


class WeightsMissing(UserError):
    """Weights cannot be had at present; the message is the reason that the report shows."""


def fetch(folder, model, about):
    """Put the files of `model` into `folder` and describe them.

    A file that is there with the right SHA-256 is left alone; the others come from the hub. Where `path`
    names a copy of the weights file (the only one of `files` that ends in .safetensors), a link to that
    copy is all that is put there.

    Parameters
    ----------
    folder : path of a folder that belongs to the model
    model : name of the model in the table `weights/models` of the configuration
    about : its entry there

    Returns
    -------
    dict, the manifest: model, status "ok", repository, revision, license, trained_until, released, source
    (URL or path), and files, {name: {sha256, bytes}}

    Raises
    ------
    WeightsMissing
        If the hub does not give a file, or gives other bytes, which are deleted.
    UserError
        If `path` names no file, or another one.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    if "path" in about:
        source = Path(about["path"]).absolute()
        files = {_name_of(source, model, about["files"]): source}
    else:
        source = _download(folder, about)
        files = {name: folder / name for name in sorted(about["files"])}
    converted = []
    for name, file in files.items():
        if name.endswith(".ckpt"):
            try:
                converted += convert(file, folder)
            except UserError:
                if file != source:
                    file.unlink()  # or the next call would take it for good
                raise
    if "path" in about:
        (name,) = files
        _link(folder / name, source)
    return {
        "model": model,
        "status": "ok",
        **{key: about[key] for key in ("repository", "revision", "license", "trained_until", "released")},
        "source": str(source),
        "files": {
            name: {"sha256": about["files"].get(name) or sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in [*files, *converted]
        },
    }


def missing(model, about, reason):
    """The manifest of a model whose weights cannot be had."""
    found = {"model": model, "status": "missing", "reason": reason}
    return found | {key: about[key] for key in ("repository", "revision")}


def open_weights(path):
    """The manifest `path` of weights that are at hand: its files lie beside it, as they were fetched.

    Raises `NotRun` if they could not be had, and `UserError` if a file is gone or has changed.
    """
    path = Path(path)
    manifest = read_json(path)
    if manifest["status"] == "missing":
        raise NotRun(manifest["reason"])
    for name, file in manifest["files"].items():
        if not _is_file(path.parent / name, file["sha256"]):
            raise UserError(f"{path.parent / name} is gone or has changed. To fetch it anew: snakemake weights")
    return manifest


def _is_file(path, checksum):
    return path.is_file() and checksum in (None, sha256(path))


def _clear(folder):
    # The client's partial files, useless to its next run, and its notes, by which it takes a damaged file for good.
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _name_of(source, model, files):
    key = f"weights/models/{model}"
    names = [name for name in files if not name.endswith(".json")]
    if len(names) != 1:
        raise UserError(f"config: {key}/path needs {key}/files to have exactly one name that does not end in .json")
    (name,) = names
    if not source.is_file():
        raise UserError(f"There is no file {source}: put the weights there, or change {key}/path of the configuration.")
    found = sha256(source)
    if files[name] not in (None, found):
        raise UserError(f"{source} is not {name} of {key}: its SHA-256 is {found}, wanted is {files[name]}.")
    return name


def _link(link, source):
    # Where `path` names the very file in the folder, a link would replace it by a link to itself.
    if not (link.exists() and link.samefile(source)):
        link.parent.mkdir(parents=True, exist_ok=True)
        with replacing(link) as temporary:
            temporary.symlink_to(source)


def _download(folder, about):
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # Xet has time-outs of its own
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(PATIENCE))
    from huggingface_hub.constants import HUGGINGFACE_CO_URL_HOME

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it reports every request
    repository, revision = about["repository"], about["revision"]
    for name, wanted in sorted(about["files"].items()):
        path = folder / name
        # A link is to a copy of yours, which only a checksum shows to be the published file.
        if _is_file(path, wanted) and not (wanted is None and path.is_symlink()):
            continue
        path.unlink(missing_ok=True)
        logging.info("fetching %s of %s", name, repository)
        try:
            _download_file(folder, repository, revision, name)
        finally:
            _clear(folder)
        found = sha256(path)
        if wanted not in (None, found):
            path.unlink()
            raise WeightsMissing(f"{name} of {repository} came with the SHA-256 {found}; wanted is {wanted}")
    # Not the address of a mirror: the checksums make it one source, and the manifest the same everywhere.
    return f"{HUGGINGFACE_CO_URL_HOME}{repository}/tree/{revision}"


def _download_file(folder, repository, revision, name):
    import httpx2
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        # Asked first, for hf_hub_download gives a silent server six minutes.
        get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), timeout=PATIENCE)
        hf_hub_download(repository, name, revision=revision, local_dir=folder)
    except (httpx2.HTTPError, OSError) as error:
        # LocalEntryNotFoundError speaks of a cache; its cause is what went wrong.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        if isinstance(cause, HfHubHTTPError):
            answer = cause.response
            reason = f"{answer.url.host} answered {answer.status_code} {answer.reason_phrase}"
        elif isinstance(cause, httpx2.TimeoutException):
            reason = f"{cause.request.url.host} keeps silent"
        elif isinstance(cause, httpx2.HTTPError):
            reason = f"{cause.request.url.host}: {cause}"
        elif cause.errno is None:
            reason = str(cause).partition("\n")[0]
        else:  # a full disk, say: nothing that the hub did
            raise
        raise WeightsMissing(f"{name} of {repository} cannot be fetched: {reason}") from error
