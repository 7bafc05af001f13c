"""Weights of pre-trained models: fetch them at a pinned revision, check them, and describe them in a manifest.

The files of a model and their manifest lie in one folder; a model is loaded only after a check against the manifest.
"""

import logging
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from fd01.models.known_answers import DECISIVE, MISSING, REFUSED, checksums, read_answers, refusal, summary
from fd01.models.lag_llama_checkpoint import convert
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import read_json, replacing, sha256
from fd01.workflow.secrets import without_secrets

HUB = "https://huggingface.co"
TIMEOUT = 5  # seconds; a server that sends nothing for longer is taken to be down
TIMEOUTS = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")
# What decides how the client reaches the hub.
VARIABLES = re.compile(r"(?i:\w+_proxy)|HF_(ENDPOINT|HOME|TOKEN|TOKEN_PATH)|SSL_CERT_(FILE|DIR)")


class WeightsMissing(UserError):
    """The weights cannot be fetched at present; the message is the reason that the report shows."""


def fetch(folder, model, entry):
    """Put the files of a model into `folder` and describe them.

    Files that are already there with the right SHA-256 are kept; the others come from the hub. A file without a SHA-256
    in the configuration is kept unless it differs from the manifest in `folder`. If the key `path` of
    the configuration names the user's own copy of the weights, the folder gets a link to that copy instead.
    A checkpoint (`.ckpt`) is converted, see `fd01.models.lag_llama_checkpoint`.

    Parameters
    ----------
    folder : path of a folder that holds this model and nothing else
    model : str, name of the model in `weights/models` of the configuration
    entry : dict, its entry there

    Returns
    -------
    dict, the manifest
        model, status "ok", repository, revision, license, trained_until, released, source (URL or path), and files,
        {name: {sha256, bytes}}.

    Raises
    ------
    WeightsMissing
        If the hub does not send a file, or sends other bytes, which are deleted.
    UserError
        If `path` names no file or another file, or if a checkpoint cannot be converted.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    if "path" in entry:
        source = Path(entry["path"]).absolute()
        paths = {_check_own_copy(source, model, entry["files"]): source}
    else:
        source = _download(folder, entry)
        paths = {name: folder / name for name in sorted(entry["files"])}
    converted = []
    for name, path in paths.items():
        if name.endswith(".ckpt"):
            try:
                converted += convert(path, folder)
            except UserError:
                if path != source:
                    path.unlink()  # otherwise the next call would keep it
                raise
    if "path" in entry:
        (name,) = paths
        _link(folder / name, source)
    return {
        "model": model,
        "status": "ok",
        **{key: entry[key] for key in ("repository", "revision", "license", "trained_until", "released")},
        "source": str(source),
        "files": {
            name: {"sha256": entry["files"].get(name) or sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in [*paths, *converted]
        },
    }


def missing(model, entry, reason):
    """The manifest of a model whose weights cannot be fetched; `entry` as for `fetch`, `reason` in words."""
    manifest = {"model": model, "status": MISSING, "reason": reason}
    return manifest | {key: entry[key] for key in ("repository", "revision")}


def read_manifest(path):
    """Check weights against their manifest, the file `path`, and return the manifest.

    Raises
    ------
    NotRun
        If the weights could not be fetched.
    UserError
        If a file is gone or has changed.
    """
    path = Path(path)
    manifest = read_json(path)
    if manifest["status"] == MISSING:
        raise NotRun(manifest["reason"])
    for name, file in manifest["files"].items():
        if not _is_file(path.parent / name, file["sha256"]):
            raise UserError(f"{path.parent / name} is gone or has changed. To get it again: snakemake weights")
    return manifest


def check_kept(path, entry):
    """Check that the manifest `path`, which others keep, is of the weights that `entry` of the configuration names.

    Raises `UserError` with the first difference.
    """
    manifest, known = read_json(path), entry["files"]
    pairs = [(key, manifest[key], entry[key]) for key in ("repository", "revision")]
    files = manifest.get("files", {}).items()
    pairs += [(f"files/{name}", file["sha256"], known[name]) for name, file in files if known.get(name)]
    for key, there, here in pairs:
        if there != here:
            raise UserError(
                f"{path} is of other weights: {key} is {there!r} there and {here!r} in the configuration. The file "
                "cannot be written here: name another folder in weights/folder of the configuration."
            )


def open_weights(path, dtype=DECISIVE):
    """Check weights as `read_manifest`, and return the manifest with what the known answers say of them.

    Its key `known_answers` is as `fd01.models.known_answers.summary` gives it for the number format `dtype` of the
    experiment. Raises `NotRun` also if the weights are refused; their files may then be gone.
    """
    answers = read_answers(path)
    if answers["status"] == REFUSED:
        raise NotRun(refusal(answers))
    return read_manifest(path) | {"known_answers": summary(answers, dtype)}


def start_of(weights):
    """What decides how a training begins, of the `weights` in a provenance; what is known of them decides nothing."""
    return {key: weights[key] for key in weights if key != "known_answers"} if isinstance(weights, dict) else weights


def unopened(path):
    """What the provenance says of the weights of the manifest `path` until they are opened: missing or refused."""
    return REFUSED if path and read_answers(path)["status"] == REFUSED else MISSING


def require_weights(path):
    """Raise `NotRun` if the weights of the manifest `path` cannot be used: an untrained twin then answers nothing.

    A twin that also runs without them has no manifest; `path` is then empty.
    """
    if not path:
        return
    manifest, answers = read_json(path), read_answers(path)
    compared = "it is compared with the pre-trained network"
    if manifest["status"] == MISSING:
        raise NotRun(f"{compared}, whose weights are missing: {manifest['reason']}")
    if answers["status"] == REFUSED:
        raise NotRun(f"{compared}, which is not run: {refusal(answers)}")


def _is_file(path, checksum):
    return path.is_file() and checksum in (None, sha256(path))


def _clear(folder):
    # The hub's client leaves parts of files here, of no use later, and records by which it accepts a damaged file.
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _check_own_copy(source, model, files):
    """Check the user's own copy `source` of the weights; return the name of the published file that it stands for."""
    key = f"weights/models/{model}"
    names = [name for name in files if not name.endswith(".json")]
    if len(names) != 1:
        raise UserError(f"config: with {key}/path, {key}/files must have exactly one name that does not end in .json")
    (name,) = names
    if not source.is_file():
        raise UserError(f"There is no file {source}: put the weights there, or change {key}/path of the configuration.")
    checksum = sha256(source)
    if files[name] not in (None, checksum):
        raise UserError(
            f"{source} is not {name} of {key}: its SHA-256 is {checksum}, not {files[name]}. "
            f"Name the right file in {key}/path of the configuration."
        )
    return name


def _link(link, source):
    # If `path` names the file in this folder itself, the link would replace the file and lead nowhere.
    if not (link.exists() and link.samefile(source)):
        link.parent.mkdir(parents=True, exist_ok=True)
        with replacing(link) as temporary:
            temporary.symlink_to(source)


def _download(folder, entry):
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # transfers by Xet do not keep to the time-out
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(TIMEOUT))
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it reports every request
    repository, revision = entry["repository"], entry["revision"]
    manifest = folder / "manifest.json"
    before = checksums(read_json(manifest)) if manifest.exists() else {}
    for name, expected in sorted(entry["files"].items()):
        path = folder / name
        # A link leads to the user's own copy. Without a checksum nothing says that it is the published file.
        if _is_file(path, expected or before.get(name)) and not (expected is None and path.is_symlink()):
            continue
        path.unlink(missing_ok=True)
        logging.info("fetching %s of %s", name, repository)
        try:
            _download_file(folder, repository, revision, name)
        except _CannotBeFetched as error:
            raise WeightsMissing(f"{name} of {repository} cannot be fetched: {error}") from error
        finally:
            _clear(folder)
        checksum = sha256(path)
        if expected not in (None, checksum):
            path.unlink()
            raise WeightsMissing(f"{name} of {repository} came with the SHA-256 {checksum}, not {expected}")
    # The public address, even after a download from a mirror, so that the manifest is the same everywhere.
    return f"{HUB}/{repository}/tree/{revision}"


class _CannotBeFetched(Exception):
    """The message is the reason."""


def _download_file(folder, repository, revision, name):
    for variable in TIMEOUTS:
        if not (value := os.environ.get(variable, "1")).isdecimal():
            raise _CannotBeFetched(f"the environment variable {variable} is {value!r}, no whole number of seconds")
    # Whatever the network, its variables or the answers are like, a file that cannot be had is no fault of the code.
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

        # This question fails in seconds where the server does not answer; hf_hub_download would try for six minutes.
        about = get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), timeout=TIMEOUT)
    except Exception as error:
        raise _CannotBeFetched(_reason(error)) from error
    if "/" in (about.etag or ""):  # the client makes a path of it
        raise _CannotBeFetched(f"the server sent the ETag {about.etag!r}, which is none")
    try:
        hf_hub_download(repository, name, revision=revision, local_dir=folder)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # a fault of this machine, such as a full disk
            raise
        raise _CannotBeFetched(_reason(error)) from error


def _reason(error):
    """Why a file cannot be fetched, in one line without secrets."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    # LocalEntryNotFoundError only says that a cache is empty; its cause says what went wrong.
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
    match cause:
        case HfHubHTTPError():
            response = cause.response
            return f"{response.url.host} answered {response.status_code} {response.reason_phrase}"
        case httpx2.TimeoutException():
            return f"{_host(cause)} does not answer"
        case httpx2.HTTPError():
            text = f"{_host(cause)}: {cause}"
        # Their texts would quote a part of a password or of a token.
        case UnicodeError():
            text = f"an address or a token has a character that cannot be sent{_set_variables()}"
        case httpx2.InvalidURL() | ValueError():
            text = (
                f"an address cannot be read{_set_variables()}; in a password, # is written as %23, / as %2F, ? as %3F"
            )
        case _:
            text = f"{str(cause) or type(cause).__name__}{_set_variables()}"
    return without_secrets(text.partition("\n")[0])


def _host(error):
    with suppress(RuntimeError):  # an error that came before the request
        return error.request.url.host
    return "the server"


def _set_variables():
    names = sorted(name for name in os.environ if VARIABLES.fullmatch(name))
    return f" (set in the environment: {', '.join(names)})" if names else ""
