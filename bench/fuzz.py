"""Damaged and hostile files for everything that reads a foreign file: `python bench/fuzz.py`, three to five minutes.

Each input is read in a process of its own. A reader may read it or refuse it (`UserError`, `NotRun`): a traceback, a
death of the process, more than 10 seconds, more than 1 GB, or a file outside the folder of the input is a failure.
The first input of each kind is whole, and must be read.
"""

import argparse
import copy
import io
import json
import os
import pickle
import random
import resource
import signal
import string
import struct
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter, defaultdict
from contextlib import suppress
from functools import partial
from pathlib import Path

from planning import ROOT

sys.path.pop(0)  # this folder: its timesfm.py is not the package
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "helpers" / "in_every_job"))

import numpy as np
import pandas as pd
import yaml

from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import sha256

HEAD = "| what is read | inputs | read | refused | failures | longest, s | most memory, MB |\n" + "|---" * 7 + "|"
SECONDS, MEMORY = 10, 2**30
SPECIAL = [0, -1, 1, 2**31, -(2**63), 2**70, 1e308, float("nan"), float("inf"), "", "x", "\x00", "é" * 9, "../../x"]
SPECIAL += [None, True, [], {}, [[]], {"a": {}}, "<script>", "{x}", "~", "1e5", "2020-01-01", b"\xff"]


def damaged(rng, content):
    """Bytes with a few of them flipped, cut, repeated or inserted."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        where = rng.randrange(len(content) + 1)
        match rng.randrange(6):
            case 0 | 1 if content:
                content[where % len(content)] ^= 1 << rng.randrange(8)
            case 2:
                del content[where:]
            case 3:
                content[where:where] = rng.randbytes(rng.randrange(1, 64))
            case 4:
                del content[where : where + rng.randrange(1, 64)]
            case _:
                content[where:where] = content[where : where + 64]
    return bytes(content)


def special(rng):
    value = rng.choice(SPECIAL)
    return rng.choice(["".join(rng.choices(string.printable, k=5)), rng.random()]) if value == "x" else value


def changed(rng, node):
    """A copy of nested dicts and lists in which a few values are replaced, renamed or gone."""
    node = copy.deepcopy(node)
    for _ in range(rng.choice([1, 1, 2, 4])):
        place, keys = node, None
        while isinstance(place, dict | list) and place:
            parent, keys = place, list(place) if isinstance(place, dict) else range(len(place))
            key = rng.choice(keys)
            place = parent[key]
            if rng.random() < 0.25:
                break
        if keys is None:
            return special(rng)
        match rng.randrange(5):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[str(special(rng))] = parent.pop(key)
            case 2 if isinstance(place, int | float):
                parent[key] = place * rng.choice([-1, 0, 1e9, 0.5])
            case _:
                parent[key] = special(rng)
    return node


def as_json(value):
    return json.dumps(value, default=str).encode()


class Codes:
    """An object whose pickle writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


# --- price files


def prices(checksums=False):
    """With `checksums` of the pages, no other value may be read."""
    from helpers.made_up_data import make_prices

    from fd01.data.dates import with_date_column
    from fd01.data.prices import build_all, read_prices

    table = make_prices(days=400)
    whole, right = _parquet(table, write_page_checksum=checksums), with_date_column(table)

    def intact(folder):
        return _write(folder / "prices.parquet", whole)

    def make(rng, folder):
        match 7 if checksums else rng.randrange(8):
            case 0:
                frame = table.copy()
                name = rng.choice(list(frame))
                frame[name] = rng.choice(
                    [frame[name].astype(str), None, frame[name].map(lambda x: [x]), b"x", frame[name].iloc[0], 1e308]
                )
                content = _parquet(frame)
            case 1 if rng.random() < 0.1:
                content = _parquet(pd.concat([table, pd.DataFrame(0.0, table.index, map(str, range(10_000)))], axis=1))
            case 2:
                frame = table.sample(frac=1, random_state=rng.randrange(99)) if rng.random() < 0.5 else table.iloc[:3]
                content = _parquet(
                    frame.rename(columns={rng.choice(list(frame)): "x"}) if rng.random() < 0.5 else frame
                )
            case _:
                content = damaged(rng, whole)
        return _write(folder / "prices.parquet", content)

    def read(path):
        series = read_prices([path], "made-up")
        assert sum(map(len, build_all(series)))
        raw = pd.concat(one() for one in series.values())
        if raw.equals(right):
            return "read, values as written"
        return "OTHER values" if checksums else "read, other values"

    return intact, make, read


def _parquet(frame, **options):
    buffer = io.BytesIO()
    frame.to_parquet(buffer, **options)
    return buffer.getvalue()


def _write(path, content):
    path.write_bytes(content)
    return path


# --- the configuration


def configuration():
    from fd01.study.config import check_config

    schema = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())
    text = (ROOT / "tests/studies/small/config.yaml").read_text()
    config = yaml.safe_load(text)
    bomb = "a: &a [x, x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghijk", "bcdefghijkl")
    )

    def intact(folder):
        return _write(folder / "config.yaml", text.encode())

    def make(rng, folder):
        match rng.randrange(6):
            case 0:
                content = damaged(rng, text.encode())
            case 1 if rng.random() < 0.3:
                content = rng.choice(
                    [bomb, "[" * 900, "a: " * 50, "- !!python/object/apply:os.system ['touch ../x']"]
                ).encode()
            case _:
                content = yaml.safe_dump(changed(rng, config)).encode()
        return _write(folder / "config.yaml", content)

    def read(path):
        try:
            found = yaml.safe_load(path.read_text())
        except (yaml.YAMLError, UnicodeError, ValueError, RecursionError):
            return "refused"  # by Snakemake, in its own words
        if not isinstance(found, dict):
            return "refused"  # so does Snakemake
        check_config(found, schema)

    return intact, make, read


# --- archives of predictions


def archives():
    from helpers.made_up_data import UP, block, score_rows
    from import_predictions import check_archive, read_archive, store

    from fd01.scoring.predictions import SCHEMA_TEXT, read_predictions, write_predictions

    folder = Path(tempfile.mkdtemp())
    rows = score_rows(block("test", "evaluation", [0, 1, 0, 1]), [0.1, 0.2, 0.3, 0.4]).drop(columns="fold")
    write_predictions(folder / "test.parquet", rows, {"folds": ["test"]}, [UP | {"reason": "none"}])
    tables = {name: _write(folder / f"{name}.parquet", name.encode()) for name in ("dataset", "origins")}
    settings = {"TFM-01": {"folds": {"test": {}}, "seeds": []}}
    manifest = {"schema": SCHEMA_TEXT, "dataset": "spy", "exported": "now", "platform": "here", "git_commit": None}
    manifest |= {f"{name}_sha256": sha256(path) for name, path in tables.items()}
    files = {"test.parquet": sha256(folder / "test.parquet")}
    manifest |= {"experiments": {"TFM-01": {"settings": settings["TFM-01"], "files": files}}}
    prediction = (folder / "test.parquet").read_bytes()

    def pack(entries, compression=zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return buffer.getvalue()

    whole = [("manifest.json", json.dumps(manifest)), ("predictions/TFM-01/test.parquet", prediction)]

    def intact(folder):
        return _write(folder / "archive.zip", pack(whole))

    def make(rng, folder):
        path, entries = folder / "archive.zip", list(whole)
        match rng.randrange(9):
            case 0 | 1:
                return _write(path, damaged(rng, pack(entries)))
            case 2:  # out of the folder
                name = rng.choice(
                    ["../x.parquet", "../../x.parquet", str(folder.parent / "x.parquet"), "..", "a/../../x"]
                )
                other = copy.deepcopy(manifest)
                if rng.random() < 0.5:
                    other["experiments"]["TFM-01"]["files"] = {name: files["test.parquet"]}
                else:
                    other["experiments"] = {name: other["experiments"]["TFM-01"]}
                entries = [("manifest.json", json.dumps(other)), (f"predictions/TFM-01/{name}", prediction)]
                entries += [(f"predictions/{name}/test.parquet", prediction), (name, prediction)]
            case 3:  # a link
                link = zipfile.ZipInfo("predictions/TFM-01/test.parquet")
                link.create_system, link.external_attr = 3, 0o120777 << 16
                entries[1] = (link, "../../../etc/passwd")
            case 4 if rng.random() < 0.1:
                return _bomb(path, json.dumps(manifest))
            case 5:  # names twice
                entries.insert(rng.randrange(3), rng.choice(entries))
            case 6 if rng.random() < 0.3:  # unpacked already
                path.mkdir()
                return path
            case 7:
                entries[1] = (entries[1][0], damaged(rng, prediction))
            case _:
                entries[0] = ("manifest.json", as_json(changed(rng, manifest)))
        return _write(path, pack(entries))

    def read(path):
        found, contents = read_archive(path)
        check_archive(path, found, "spy", settings, tables)
        for name, entry in found["experiments"].items():
            store(path.parent / "imported" / name / "0", contents[name], {"imported": {}, **entry})
            for file, checksum in entry["files"].items():
                stored = path.parent / "imported" / name / "0" / file
                if sha256(stored) != checksum:
                    raise UserError(f"{stored} has changed")
                read_predictions(stored)

    return intact, make, read


def _bomb(path, manifest):
    """Two GB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("manifest.json", manifest)
        with archive.open("predictions/TFM-01/test.parquet", "w", force_zip64=True) as file:
            for _ in range(32):
                file.write(bytes(2**26))
    return path


# --- weights


def checkpoints():
    import torch
    from gluonts.torch.distributions import StudentTOutput
    from helpers.lightning_checkpoint import save_lightning

    from fd01.models.lag_llama import PUBLISHED, load_untrained
    from fd01.models.lag_llama_checkpoint import convert
    from fd01.models.verification import verify

    folder = Path(tempfile.mkdtemp())
    save_lightning(folder / "whole.ckpt")
    whole = (folder / "whole.ckpt").read_bytes()
    weights = {f"model.{name}": value for name, value in load_untrained(3, 32).state_dict().items()}
    output = StudentTOutput()
    stub = "gluonts.torch.distributions.studentT.StudentTOutput"

    def intact(folder):
        return _write(folder / "a.ckpt", whole)

    def make(rng, folder):
        path = folder / "a.ckpt"
        match rng.randrange(7):
            case 0:
                torch.save({"state_dict": {}, "x": Codes(folder.parent / "ran")}, path)
            case 1:
                path.write_bytes(pickle.dumps(Codes(folder.parent / "ran"), protocol=rng.randrange(5)))
            case 2:
                tensors = {"model.a": torch.zeros(2), "b": rng.choice([torch.zeros(1), 1, None, "x"])}
                poor = {"state_dict": tensors, "hyper_parameters": {"model_kwargs": {"n_layer": 1}}}
                torch.save(changed(rng, poor), path)
            case 3 | 4:
                kwargs = changed(rng, PUBLISHED)
                kwargs = kwargs | {"distr_output": output} if isinstance(kwargs, dict) else kwargs
                torch.save({"state_dict": weights, "hyper_parameters": {"model_kwargs": kwargs}}, path)
            case 5:
                path.write_bytes(
                    b"\x80\x02c" + rng.choice([b"os\nsystem\n", stub.encode() + b"\nx\n", b"a\nb\n"]) + b"."
                )
            case _:
                path.write_bytes(damaged(rng, whole))
        return path

    def read(path):
        files = {name: {"sha256": sha256(path.parent / name)} for name in convert(path, path.parent)}
        about = {"model": "lag-llama", "status": "ok", "files": files}
        return verify(_write(path.parent / "manifest.json", as_json(about)), None, off=True)["status"]

    return intact, make, read


def safetensors():
    from helpers.answers import answers_of_timesfm
    from safetensors.torch import save_file
    from tiny_timesfm import shrink_once_imported

    shrink_once_imported()
    from fd01.models.known_answers import REFUSED
    from fd01.models.timesfm import load_untrained
    from fd01.models.verification import verify

    folder = Path(tempfile.mkdtemp())
    model = load_untrained(7)
    save_file(model.model.state_dict(), folder / "model.safetensors")
    whole, cases = (folder / "model.safetensors").read_bytes(), answers_of_timesfm(model)
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])

    def make(rng, folder):
        return described(folder, changed_content(rng))

    def changed_content(rng):
        match rng.randrange(4):
            case 0:
                return whole[:8] + damaged(rng, whole[8 : 8 + length]) + whole[8 + length :]
            case 1:
                return struct.pack("<Q", rng.choice([0, 1, 2**31, 2**63, length - 1, length + 1])) + whole[8:]
            case 2:
                other = as_json(changed(rng, header))
                return struct.pack("<Q", len(other)) + other + whole[8 + length :]
            case _:
                return damaged(rng, whole)

    def described(folder, content):
        path = _write(folder / "model.safetensors", content)
        files = {"model.safetensors": {"sha256": sha256(path), "bytes": len(content)}}
        manifest = {"model": "timesfm", "status": "ok", "repository": "a/b", "revision": "0" * 40, "files": files}
        return _write(folder / "manifest.json", json.dumps(manifest).encode())

    def read(path):
        loaded = verify(path, None, off=True)["status"]
        return loaded if loaded == REFUSED else verify(path, cases)["status"]

    return lambda folder: described(folder, whole), make, read


def known_answers():
    from fd01.models.verification import load_cases

    paths = {model: ROOT / f"resources/known-answers/{model}.json" for model in ("timesfm", "lag-llama")}
    contents = {model: json.loads(path.read_text()) for model, path in paths.items()}

    def make(rng, folder):
        model = rng.choice(list(paths))
        content = (
            damaged(rng, paths[model].read_bytes()) if rng.random() < 0.3 else as_json(changed(rng, contents[model]))
        )
        return _write(folder / f"{model}.json", content)

    def intact(folder):
        return _write(folder / "timesfm.json", paths["timesfm"].read_bytes())

    return intact, make, lambda path: load_cases(path, path.stem)


def hub():
    assert "huggingface_hub" not in sys.modules, "it has read another address of the hub"
    import http.server
    import threading

    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            status, headers, body = answers.get(
                self.path.split("/")[-1].split("?")[0], (404, {"Content-Length": "0"}, b"")
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")  # the client would use a connection again that is closed here
            self.end_headers()
            if self.command == "GET":
                with suppress(OSError):
                    self.wfile.write(body)

        do_HEAD = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "HF_HUB_DOWNLOAD_TIMEOUT": "3",
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": "/nonexistent",
    }
    from fd01.models.weights import fetch

    body = b"weights" * 100
    good = {"ETag": '"abc"', "X-Repo-Commit": "0" * 40, "Content-Length": str(len(body))}

    def intact(folder):
        answers[f"{folder.parent.name}.bin"] = 200, good, body
        return folder

    def make(rng, folder):
        headers, content = dict(good), body
        for _ in range(rng.choice([1, 1, 2])):
            name = rng.choice(
                [*good, "Location", "X-Linked-Size", "X-Linked-Etag", "Content-Encoding", "Content-Range"]
            )
            value = rng.choice(
                ["", "-1", "0", "nan", "9" * 30, "../../x", "..", "http://[", "/" * 9, "gzip", "\xff\xfe"]
            )
            headers[name] = value
        if rng.random() < 0.3:
            content = damaged(rng, body)
        status = rng.choice([200, 200, 200, 206, 301, 302, 304, 307, 400, 401, 403, 404, 416, 429, 500, 503, 599])
        answers[f"{folder.parent.name}.bin"] = status, headers, content
        return folder

    def read(folder):
        name = f"{folder.parent.name}.bin"
        about = dict.fromkeys(("license", "trained_until", "released"), "x")
        about |= {"repository": "someone/model", "revision": "0" * 40, "files": {name: None}}
        fetch(folder, "some", about)

    return intact, make, read


# --- forecasts from elsewhere


def forecasts(suffix):
    from helpers.made_up_data import CONFIG, dataset_and_origins
    from score_external import score_file

    dataset, origins = dataset_and_origins()
    days = dataset["Date"].iloc[100:]
    table = pd.DataFrame({"date": days.dt.strftime("%Y-%m-%d"), "q10": -0.01, "q50": 0.0, "q90": 0.01}).reset_index(
        drop=True
    )
    about = {"source": "x", "license": "x", "trained_until": "2016-07", "released": "2016-08", "date": "date"}
    settings = about | {"file": f"f.{suffix}", "date_is": "origin", "values": "simple-return", "quantiles": True}
    targets = [{"target": "up", "horizon": 1}]

    def content_of(frame):
        match suffix:
            case "csv":
                return frame.to_csv(index=False).encode()
            case "parquet":
                return _parquet(frame)
        buffer = io.BytesIO()
        arrays = {name: frame[name].to_numpy() for name in frame}
        np.savez(buffer, **{name: array.astype(str) if name == "date" else array for name, array in arrays.items()})
        return buffer.getvalue()

    whole = content_of(table)

    def intact(folder):
        return _write(folder / f"f.{suffix}", whole)

    def make(rng, folder):
        path = folder / f"f.{suffix}"
        match rng.randrange(5):
            case 0:
                frame = table.astype(object)
                for _ in range(rng.randrange(1, 5)):
                    frame.iat[rng.randrange(len(frame)), rng.randrange(4)] = special(rng)
                if suffix == "npz":  # objects, which are a pickle
                    np.savez(
                        path,
                        date=table["date"].to_numpy(str),
                        q10=np.array([Codes(folder.parent / "ran")] * len(table)),
                    )
                    return path
                return _write(path, content_of(frame.map(str) if suffix == "parquet" else frame))
            case 1:
                frame = table.rename(
                    columns={rng.choice(list(table)): rng.choice(["", "q10", "date", "q0", "q100", "99"])}
                )
                if suffix == "csv" or frame.columns.is_unique:
                    return _write(path, content_of(frame))
                return _write(path, damaged(rng, whole))
            case 2 if suffix == "csv":
                text = rng.choice(
                    ["\x00" * 99, '"' * 99, "date," * 9999 + "\n", "a\tb\n1\t2\n", "\ufeff" * 5, "date\n" * 9, ""]
                )
                return _write(path, text.encode(rng.choice(["utf-8", "utf-16"])))
            case _:
                return _write(path, damaged(rng, whole))

    def read(path):
        score_file(str(path), settings, dataset, origins, targets, CONFIG["labels"])

    return intact, make, read


# In the order in which they must be prepared: a library that the others import reads the address of the hub only once.
KINDS = {
    "answers of a hub": (hub, 150),
    "price files (parquet)": (prices, 500),
    "price files with checksums (parquet)": (lambda: prices(checksums=True), 300),
    "configurations": (configuration, 300),
    "archives of predictions": (archives, 350),
    "checkpoints (pickle)": (checkpoints, 200),
    "weights (safetensors)": (safetensors, 150),
    "known answers (json)": (known_answers, 200),
    "forecasts (csv)": (lambda: forecasts("csv"), 200),
    "forecasts (parquet)": (lambda: forecasts("parquet"), 200),
    "forecasts (npz)": (lambda: forecasts("npz"), 250),
}


def outcome(read, path):
    """How `read` ends with `path`, in one line, and the bytes that it added to the memory of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        said = read(path)
        said = said if isinstance(said, str) else "read"
    except (UserError, NotRun) as error:
        said = f"refused: {error}"
    except MemoryError:
        said = "MEMORY"
    except BaseException as error:
        frames = [
            f"{Path(f.filename).name}:{f.lineno}"
            for f in traceback.extract_tb(error.__traceback__)
            if "fd01" in f.filename or "scripts" in f.filename
        ]
        said = f"TRACEBACK {type(error).__name__}: {' '.join(str(error).split())[:90]} {frames[-1:]}"
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return said, unit * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def tried(make, read, number, patience):
    """How `read` ends with the input that `make` puts into a folder, in a process of its own, within `patience`.

    Returns what it said in one line, the seconds, and the bytes that it added to the memory.
    """
    with tempfile.TemporaryDirectory() as sandbox:
        folder = Path(sandbox) / f"in{number}" / "inside"
        folder.mkdir(parents=True)
        path = make(folder)
        before = {file for file in Path(sandbox).rglob("*") if folder not in file.parents}
        reader, writer = os.pipe()
        start, child = time.monotonic(), os.fork()
        if child == 0:
            os.close(reader)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1), os.dup2(null, 2)
            resource.setrlimit(resource.RLIMIT_DATA, (6 * MEMORY, 6 * MEMORY))  # a bomb must not take the machine along
            os.chdir(folder)
            os.write(writer, json.dumps(outcome(read, path)).encode())
            os._exit(0)
        os.close(writer)
        said, memory = _wait(child, reader, start, patience)
        outside = {file for file in Path(sandbox).rglob("*") if folder not in file.parents} - before
        if outside:
            said = f"OUTSIDE {sorted(map(str, outside))}"
        elif memory > MEMORY:
            said = f"MEMORY {memory / 2**30:.1f} GB"
        return said, time.monotonic() - start, memory


def _wait(child, reader, start, patience):
    with os.fdopen(reader, "rb") as pipe:
        os.set_blocking(pipe.fileno(), False)
        content = b""
        while True:
            content += pipe.read() or b""
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                content += pipe.read() or b""
                break
            if time.monotonic() - start > patience:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return f"HANG more than {patience:g} s", 0
            time.sleep(0.002)
    return json.loads(content) if content else (f"DIED status {status}", 0)


def inputs(intact, make, seed, count):
    """Functions that put an input into a folder: the whole one, then damaged ones, each made from its number."""
    yield intact
    for number in range(1, count):
        yield partial(make, random.Random(f"{seed}-{number}"))


def main(seed, kinds, scale, patience):
    print(HEAD)
    finds, ends, total = defaultdict(Counter), {}, 0
    for kind, (prepare, count) in KINDS.items():
        if kind not in kinds:
            continue
        intact, make, read = prepare()
        puts = inputs(intact, make, seed, max(2, round(count * scale)))
        results = [tried(put, read, number, patience) for number, put in enumerate(puts)]
        words = Counter(said.split()[0].rstrip(":") for said, _, _ in results)
        finds[kind].update(said for said, _, _ in results if said.split()[0].isupper())
        ends[kind] = Counter(said for said, _, _ in results if said.startswith("read"))
        if results[0][0].startswith(("refused", "read, other")):
            finds[kind].update([f"WHOLE input {results[0][0]}"])
        total += len(results)
        failures, refused = sum(finds[kind].values()), words["refused"]
        read, seconds, memory = len(results) - refused - failures, *(max(column) for column in list(zip(*results))[1:])
        row = [kind, len(results), read, refused, failures, f"{seconds:.1f}", round(memory / 2**20)]
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print(f"\n{total} inputs, seed {seed}")
    for kind, found in ends.items():
        if len(found) > 1:
            print(f"{kind}: {', '.join(f'{times} {said}' for said, times in found.items())}")
    for kind, found in finds.items():
        for said, times in found.most_common():
            print(f"{kind}: {times} x {said}")
    return 1 if any(finds.values()) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS), metavar="KIND")
    parser.add_argument("--scale", type=float, default=1, help="of the number of inputs")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after which an input counts as a hang")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:  # what each kind needs
        tempfile.tempdir = scratch
        sys.exit(main(arguments.seed, arguments.kinds, arguments.scale, arguments.seconds))
