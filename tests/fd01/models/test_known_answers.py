"""Known answers: right weights run through our code pass, and every way to be wrong is noticed and has consequences."""

import json
import shutil
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import weights as weights_script
from helpers.answers import answers_of_lag_llama, answers_of_timesfm
from helpers.made_up_data import CONFIG
from helpers.paths import ROOT
from safetensors.torch import load_file, save_file
from threadpoolctl import threadpool_limits

from fd01.models import lag_llama, timesfm, verification
from fd01.models.frozen import run_frozen
from fd01.models.known_answers import FILE, judge, lines, read_answers, status_in, stop_if_refused, summary, warnings
from fd01.models.lag_llama_checkpoint import ARCHITECTURE
from fd01.models.verification import input_of, load_cases, verify
from fd01.models.weights import open_weights, require_weights, start_of, unopened
from fd01.workflow.errors import NotRun, UserError
from fd01.workflow.files import read_json, sha256, write_json

pytestmark = pytest.mark.filterwarnings("ignore:::gluonts")

WEIGHTS = "model.safetensors"
SMALL = lag_llama.PUBLISHED | {"n_layer": 2, "n_head": 2}
BOTH = ["float32", "bfloat16"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)  # the packages' own answers come from the CPU
        yield
    torch.set_num_threads(threads)


def manifest_of(folder, model):
    """Write the manifest of the weights in a folder; its path."""
    files = {path.name: {"sha256": sha256(path), "bytes": path.stat().st_size} for path in sorted(folder.iterdir())}
    write_json(folder / "manifest.json", {"model": model, "status": "ok", "files": files})
    return folder / "manifest.json"


@pytest.fixture(scope="module")
def timesfm_answers(tiny_weights):
    return answers_of_timesfm(timesfm.load(tiny_weights))


@pytest.fixture
def tiny(tiny_weights, tmp_path):
    """The manifest of a copy of the weights of the tiny TimesFM."""
    folder = tmp_path / "timesfm"
    folder.mkdir()
    shutil.copy(tiny_weights / WEIGHTS, folder)
    return manifest_of(folder, "timesfm")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder with the random weights of a small Lag-Llama, as they lie after the conversion."""
    folder = tmp_path_factory.mktemp("small") / "lag-llama"
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = lag_llama.build(SMALL, 32)
    save_file(network.state_dict(), folder / WEIGHTS)
    write_json(folder / ARCHITECTURE, SMALL)
    manifest_of(folder, "lag-llama")
    return folder


def unscaled(folder, context):
    """The network of the package itself, without scaled positions."""
    from gluonts.torch.distributions import StudentTOutput
    from sktime.libs.lag_llama.model.module import LagLlamaModel

    network = LagLlamaModel(**SMALL | {"context_length": context}, distr_output=StudentTOutput())
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval()


@pytest.fixture(scope="module")
def lag_llama_answers(small):
    return answers_of_lag_llama(partial(unscaled, small))


def right(answers):
    return [case["ok"] for case in answers["cases"]]


def in_float32(answers):
    """The known answers with a tolerance for float32 alone."""
    cases = [case | {"tolerance": {"float32": case["tolerance"]["float32"]}} for case in answers["cases"]]
    return answers | {"cases": cases}


# --- TimesFM


def test_right_weights_of_timesfm_pass_and_bfloat16_has_its_own_tolerance(tiny, timesfm_answers):
    answers = verify(tiny, timesfm_answers)
    assert (answers["status"], right(answers)) == ("verified", 4 * [True])
    assert [(case["name"], case["dtype"]) for case in answers["cases"][:2]] == [("median", d) for d in BOTH]
    differences = {case["dtype"]: case["difference"] for case in answers["cases"]}
    assert differences["float32"] < 1e-5 and 1e-4 < differences["bfloat16"] < 0.1
    assert answers == verify(tiny, timesfm_answers)  # nothing in it depends on the time
    for dtype in BOTH:
        assert summary(answers, dtype) == {"status": "verified", "passed": 2, "cases": 2, "differing": []}

    for case in timesfm_answers["cases"]:
        assert np.shape(case["expected"]) == (case["horizon"], len(case["columns"]))
    strict = {"cases": [case | {"tolerance": dict.fromkeys(BOTH, 1e-4)} for case in timesfm_answers["cases"]]}
    assert right(verify(tiny, strict)) == 2 * [True, False]
    alone = verify(tiny, in_float32(timesfm_answers))
    assert [case["dtype"] for case in alone["cases"]] == 2 * ["float32"]
    write_json(tiny.with_name(FILE), alone)
    assert open_weights(tiny)["known_answers"]["status"] == "verified"
    nothing = {"status": "not verified", "passed": 0, "cases": 0, "differing": []}
    assert open_weights(tiny, "bfloat16")["known_answers"] == nothing


@pytest.mark.parametrize("certain", [True, False])
def test_bfloat16_decides_nothing_over_float32(tiny, timesfm_answers, certain):
    strict = {"cases": [case | {"tolerance": {"float32": 1e-4, "bfloat16": 1e-9}} for case in timesfm_answers["cases"]]}
    answers = verify(tiny, strict | published(tiny, certain))
    assert answers["status"] == "verified"
    assert warnings(answers) == ["timesfm in bfloat16 is unverified: other answers than published: median; all columns"]
    write_json(tiny.with_name(FILE), answers)
    stop_if_refused(answers)
    require_weights(tiny)
    (by_default, _), (in_bfloat16, _) = (
        timesfm.open_timesfm({"weights": "pretrained"} | settings, [], tiny) for settings in ({}, {"dtype": "bfloat16"})
    )
    assert by_default["known_answers"] == {"status": "verified", "passed": 2, "cases": 2, "differing": []}
    assert in_bfloat16["known_answers"] == {"status": "unverified", "passed": 0, "cases": 2, "differing": []}


def test_weights_that_do_not_load_are_refused_with_the_reason(tiny, timesfm_answers):
    tensors = load_file(tiny.parent / WEIGHTS)
    tensors["tokenizer.other"] = tensors.pop("tokenizer.hidden_layer.weight")
    save_file(tensors, tiny.parent / WEIGHTS)
    tiny.unlink()
    check_that_nothing_loads(manifest_of(tiny.parent, "timesfm"), timesfm_answers, "tokenizer.hidden_layer.weight")


def test_cut_file_of_weights_is_refused(tiny, timesfm_answers):
    content = (tiny.parent / WEIGHTS).read_bytes()
    (tiny.parent / WEIGHTS).write_bytes(content[: len(content) // 2])
    tiny.unlink()
    check_that_nothing_loads(manifest_of(tiny.parent, "timesfm"), timesfm_answers, "SafetensorError")


def check_that_nothing_loads(manifest, cases, said):
    answers = verify(manifest, cases)
    assert (answers["status"], answers["cases"]) == ("refused", [])
    alone = verify(manifest, cases, off=True)
    assert (alone["status"], alone["reason"]) == ("refused", answers["reason"])
    assert said in answers["reason"] and len(answers["reason"]) <= 200 and "\n" not in answers["reason"]
    reason = f"these weights do not load: {answers['reason']}"
    assert lines(answers) == [f"{answers['model']}: refused: {reason}"]
    assert warnings(answers) == [f"{answers['model']} is refused: {reason}"]
    with pytest.raises(UserError, match=f"The weights of {answers['model']} do not load: .*missing: skip"):
        stop_if_refused(answers)
    write_json(manifest.with_name(FILE), answers)
    frame, about = run_frozen(lambda: (open_weights(manifest), []), None, None, ["row"], 1, manifest)
    assert frame.empty and (about["weights"], about["not_run"]) == ("refused", reason)


def test_lack_of_memory_says_nothing_of_the_weights(tiny, timesfm_answers, monkeypatch):
    def load(folder):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(verification, "load_timesfm", load)
    with pytest.raises(torch.OutOfMemoryError):
        verify(tiny, timesfm_answers)


def test_one_changed_weight_is_noticed(tiny, timesfm_answers):
    tensors = load_file(tiny.parent / WEIGHTS)
    tensors["stacked_xf.1.ff0.weight"][3, 5] += 0.1
    save_file(tensors, tiny.parent / WEIGHTS)
    tiny.unlink()
    answers = verify(manifest_of(tiny.parent, "timesfm"), timesfm_answers)
    assert (answers["status"], right(answers)[::2]) == ("refused", 2 * [False])
    assert [text.split(": ")[2] for text in lines(answers)][::2] == 2 * ["DIFFERS"]
    assert all("largest difference" in text for text in lines(answers))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda *call: np.roll(timesfm.forecast(*call), 1, axis=-1),
        lambda model, inputs, horizon, settings: timesfm.forecast(model, inputs, horizon, settings | {"flip": False}),
        lambda *call: timesfm.forecast(*call) + np.float32(np.nan),
    ],
    ids=["columns shifted by one", "no flip", "not a number"],
)
def test_wrong_use_of_timesfm_is_noticed(tiny, timesfm_answers, wrong, monkeypatch, tmp_path):
    monkeypatch.setattr(verification, "forecast", wrong)
    answers = verify(tiny, timesfm_answers)
    assert right(answers)[::2] == 2 * [False]
    write_json(tmp_path / "answers.json", answers)


# --- Lag-Llama


def test_right_weights_of_lag_llama_pass(small, lag_llama_answers):
    answers = verify(small / "manifest.json", lag_llama_answers)
    assert (answers["status"], right(answers)) == ("verified", 2 * [True])
    assert all(len(case["found"]) == 3 and case["difference"] < 1e-5 for case in answers["cases"])


def test_loc_of_the_network_in_place_of_the_scalers_is_noticed(small, lag_llama_answers, monkeypatch):
    def confused(network, past, features, observed=None):
        (df, loc, scale), _, window_scale = network(past, observed, features, features[:, -1:])
        return df[:, -1], loc[:, -1] + window_scale[:, 0] * loc[:, -1], window_scale[:, 0] * scale[:, -1]

    monkeypatch.setattr(lag_llama, "distribution", confused)
    assert right(verify(small / "manifest.json", lag_llama_answers)) == 2 * [False]


def test_zeros_that_count_as_observed_are_noticed(small, lag_llama_answers, monkeypatch):
    original = lag_llama.distribution
    monkeypatch.setattr(
        lag_llama, "distribution", lambda network, past, features, observed: original(network, past, features)
    )
    assert right(verify(small / "manifest.json", lag_llama_answers)) == 2 * [False]


def test_wrong_rope_factor_is_noticed(small, lag_llama_answers, monkeypatch):
    monkeypatch.setattr(verification, "load_lag_llama", lambda folder, context, _: lag_llama.load(folder, context))
    assert right(verify(small / "manifest.json", lag_llama_answers)) == [True, False]


@pytest.mark.parametrize("context", [32, 64])
def test_case_that_contradicts_the_scaling_of_positions_is_an_error(small, lag_llama_answers, context):
    def said(scaled):
        (case,) = (case for case in lag_llama_answers["cases"] if case["flags"]["context"] == context)
        return {"cases": [case | {"flags": case["flags"] | {"rope_scaling": scaled}}]}

    right_one = context > 32
    assert verify(small / "manifest.json", said(right_one))["status"] == "verified"
    with pytest.raises(
        UserError, match=f"case context {context}: flags: rope_scaling must be {str(right_one).lower()}"
    ):
        verify(small / "manifest.json", said(not right_one))


def test_case_with_more_values_than_lag_llama_reads_is_an_error(small, lag_llama_answers):
    cases = [case | {"input": case["input"] | {"values": [1.0, 2.0] * 600}} for case in lag_llama_answers["cases"]]
    with pytest.raises(UserError, match="case context 32: input must have at most 1124 values"):
        verify(small / "manifest.json", {"cases": cases})


def test_lag_llama_that_does_not_load_is_refused(small, lag_llama_answers, tmp_path):
    folder = tmp_path / "lag-llama"
    shutil.copytree(small, folder)
    write_json(folder / ARCHITECTURE, SMALL | {"n_layer": 3})
    (folder / "manifest.json").unlink()
    check_that_nothing_loads(manifest_of(folder, "lag-llama"), lag_llama_answers, "Missing key(s)")
    write_json(folder / ARCHITECTURE, {key: value for key, value in SMALL.items() if key != "context_length"})
    (folder / "manifest.json").unlink()
    (folder / FILE).unlink()
    check_that_nothing_loads(manifest_of(folder, "lag-llama"), lag_llama_answers, "KeyError: 'context_length'")


# --- what follows


def file(ok, certain):
    return {"name": "w", "certain": certain, "ok": ok}


@pytest.mark.parametrize(
    ("passed", "files", "status"),
    [
        ([True, True], [], "verified"),
        ([True, True], [file(False, True)], "verified"),
        ([True, False], [file(True, True)], "unverified"),
        ([True, False], [file(False, True)], "refused"),
        ([True, False], [file(True, False)], "refused"),  # one source alone vouches for the file
        ([False, False], [], "refused"),
        ([], [file(True, True)], "not verified"),
    ],
)
def test_status_follows_from_answers_and_from_what_is_known_of_the_files(passed, files, status):
    cases = [{"dtype": "float32", "ok": ok} for ok in passed]
    assert judge(cases, files) == status
    assert judge([*cases, {"dtype": "bfloat16", "ok": False}], files) == status


@pytest.mark.parametrize(
    ("status", "passed", "in_bfloat16"),
    [
        ("verified", [True, True], "verified"),
        ("verified", [True, False], "unverified"),
        ("verified", [], "not verified"),
        ("unverified", [True], "unverified"),  # its tolerance is wider than the one that float32 has failed
        ("not verified", [True], "verified"),
        ("not verified", [False], "unverified"),
        ("refused", [True], "refused"),
        ("off", [], "off"),
        ("missing", [], "missing"),
    ],
)
def test_every_number_format_has_its_own_status(status, passed, in_bfloat16):
    answers = {"status": status, "cases": [{"dtype": "bfloat16", "ok": ok} for ok in passed]}
    assert [status_in(answers, dtype) for dtype in BOTH] == [status, in_bfloat16]


def test_what_is_known_of_weights_starts_no_other_training(tiny, timesfm_answers):
    before = start_of(open_weights(tiny))
    write_json(tiny.with_name(FILE), verify(tiny, timesfm_answers))
    assert start_of(open_weights(tiny)) == before == read_json(tiny)
    assert start_of("none: random, then trained") == "none: random, then trained"


def published(manifest, certain, **changed):
    about = read_json(manifest)["files"][WEIGHTS]
    return {"files": {WEIGHTS: about | changed | {"certain": certain, "source": "one public record"}}}


def wrong(answers):
    """The same cases with other answers."""
    return {"cases": [case | {"expected": (np.array(case["expected"]) + 1).tolist()} for case in answers["cases"]]}


def test_file_that_differs_from_its_one_record_is_a_warning_with_both_values(tiny, timesfm_answers):
    here = read_json(tiny)["files"][WEIGHTS]
    cases = timesfm_answers | published(tiny, certain=False, sha256=64 * "0", bytes=29_488_819)
    answers = verify(tiny, cases)
    assert (answers["status"], answers["pinned"]) == ("verified", False)
    (text,) = warnings(answers)
    assert text == (
        f"timesfm: {WEIGHTS} has the SHA-256 {here['sha256']} and {here['bytes']:,} bytes, expected: the SHA-256 "
        f"{64 * '0'} and 29,488,819 bytes (one public record)"
    )
    assert summary(answers, "float32")["differing"] == [text.removeprefix("timesfm: ")]
    assert warnings(verify(tiny, timesfm_answers | published(tiny, certain=False))) == []


def test_wrong_answers_of_the_published_file_are_a_label_and_of_another_a_refusal(tiny, timesfm_answers):
    def opened(answers):
        write_json(tiny.with_name(FILE), answers)
        return open_weights(tiny)

    timesfm_answers = in_float32(timesfm_answers)
    unverified = verify(tiny, wrong(timesfm_answers) | published(tiny, certain=True))
    stop_if_refused(unverified)
    counts = {"status": "unverified", "passed": 0, "cases": 2, "differing": []}
    assert opened(unverified) == read_json(tiny) | {"known_answers": counts}
    assert warnings(unverified) == [
        "timesfm in float32 is unverified: other answers than published: median; all columns"
    ]

    refused = verify(tiny, wrong(timesfm_answers))
    reason = r"these weights do not give the published answers \(0 of 2 agree\)$"
    with pytest.raises(NotRun, match=f"^{reason}"):
        opened(refused)
    assert unopened(tiny) == "refused"
    content = (tiny.parent / WEIGHTS).read_bytes()
    (tiny.parent / WEIGHTS).unlink()  # as the command weights does, if nothing pins the file
    with pytest.raises(NotRun, match=f"^{reason}"):
        open_weights(tiny)
    (tiny.parent / WEIGHTS).write_bytes(content)
    with pytest.raises(
        UserError, match=r"Other answers: median in float32; all columns in float32\. .*known_answers: off"
    ):
        stop_if_refused(refused)
    with pytest.raises(NotRun, match=f"^it is compared with the pre-trained network, which is not run: {reason}"):
        require_weights(tiny)
    frame, about = run_frozen(lambda: (open_weights(tiny), []), None, None, ["row"], 1, tiny)
    assert frame.empty and about["weights"] == "refused" and about["not_run"].startswith("these weights do not give")

    tensors = load_file(tiny.parent / WEIGHTS)
    tensors["stacked_xf.1.ff0.weight"][3, 5] += 0.1
    save_file(tensors, tiny.parent / WEIGHTS)
    about = read_json(tiny)
    about["files"] = {WEIGHTS: {"sha256": sha256(tiny.parent / WEIGHTS), "bytes": 1}}
    write_json(tiny, about)
    assert open_weights(tiny)["known_answers"]["status"] == "not verified"  # the answers are of the file before


def test_weights_without_answers_are_labelled(tiny, timesfm_answers):
    assert open_weights(tiny)["known_answers"] == {"status": "not verified", "passed": 0, "cases": 0, "differing": []}
    for cases, off, status in ((timesfm_answers, True, "off"), (None, False, "not verified"), (None, True, "off")):
        answers = verify(tiny, cases, off)
        assert (answers["status"], answers["cases"]) == (status, [])
        assert len(lines(answers)) == 1 and not warnings(answers)
        write_json(tiny.with_name(FILE), answers)
        assert open_weights(tiny)["known_answers"]["status"] == status
        require_weights(tiny)
    write_json(tiny, read_json(tiny) | {"model": "another"})
    with pytest.raises(UserError, match="known_answers of another: only timesfm and lag-llama can be checked"):
        verify(tiny, timesfm_answers)
    assert verify(tiny, None)["status"] == "not verified" and verify(tiny, timesfm_answers, off=True)["status"] == "off"


def test_missing_weights_are_missing_whatever_else_is_known(tmp_path):
    manifest = tmp_path / "manifest.json"
    write_json(manifest, {"model": "timesfm", "status": "missing", "reason": "nobody answers"})
    answers = verify(manifest, None, off=True)
    assert answers["status"] == "missing" and lines(answers) == ["timesfm: not checked: the weights are missing"]
    write_json(tmp_path / FILE, answers)
    assert read_answers(manifest) == answers and unopened(manifest) == "missing" == unopened([])
    with pytest.raises(NotRun, match=r"^nobody answers$"):
        open_weights(manifest)


# --- the command


@pytest.fixture
def command(tiny_weights, timesfm_answers, tmp_path):
    """The path of a manifest, and a function that fetches and checks the weights of the tiny TimesFM."""
    path = tmp_path / "weights" / "timesfm" / "manifest.json"
    entry = CONFIG["weights"]["models"]["timesfm"] | {"path": str(tiny_weights / WEIGHTS), "files": {WEIGHTS: None}}

    def call(answers=timesfm_answers, missing="skip"):
        write_json(tmp_path / "cases.json", answers)
        params = {
            "kept": [],
            "models": {"timesfm": entry},
            "cases": {"timesfm": str(tmp_path / "cases.json")},
            "missing": missing,
        }
        checks = {"timesfm": {"off": False}}
        weights_script.get_and_verify(path, "timesfm", SimpleNamespace(**params, checks=checks))

    return path, call


def test_command_prints_a_line_per_case_and_leaves_equal_files_alone(command, capsys):
    path, call = command
    call()
    printed = capsys.readouterr().out.splitlines()
    assert [text.split(":")[:2] for text in printed] == [
        ["timesfm", f" {name} in {dtype}"] for name in ("median", "all columns") for dtype in BOTH
    ]
    assert all(" agrees: largest difference " in text for text in printed)
    dates = [file.stat().st_mtime_ns for file in (path, path.with_name(FILE))]
    call()
    assert [file.stat().st_mtime_ns for file in (path, path.with_name(FILE))] == dates


@pytest.mark.parametrize("missing", ["skip", "fail"])
def test_command_fails_on_refused_weights(command, timesfm_answers, missing):
    path, call = command
    with pytest.raises(UserError, match="The weights of timesfm do not give the published answers"):
        call(wrong(timesfm_answers), missing)
    assert path.with_name(FILE).exists() == (missing == "skip")  # else the next run would go on without them


@pytest.mark.parametrize("checksum", [None, 64 * "0"])
@pytest.mark.parametrize("own", [True, False])
def test_command_deletes_a_refused_file_that_it_would_keep(tiny, timesfm_answers, tmp_path, monkeypatch, checksum, own):
    monkeypatch.setattr(weights_script, "fetch", lambda folder, model, entry: read_json(tiny))
    write_json(tmp_path / "cases.json", wrong(timesfm_answers))
    entry = {"files": {WEIGHTS: checksum}} | ({"path": "mine"} if own else {})
    params = SimpleNamespace(
        kept=[],
        models={"timesfm": entry},
        cases={"timesfm": tmp_path / "cases.json"},
        missing="skip",
        checks={"timesfm": {}},
    )
    with pytest.raises(UserError, match="do not give the published answers") as caught:
        weights_script.get_and_verify(tiny, "timesfm", params)
    deleted = not (own or checksum)
    assert (tiny.parent / WEIGHTS).exists() != deleted
    said = f"Deleted: {WEIGHTS}, whose SHA-256 is not known. The next snakemake weights fetches it again."
    assert (said in str(caught.value)) == deleted


WRONG_FILES = {
    "no object": ([], r"x\.json must be an object in braces"),
    "no cases": ({}, r"x\.json: the key cases is missing"),
    "a case that is text": ({"cases": ["a"]}, "case 1 must be an object in braces"),
    "files that are no table": ({"cases": [], "files": [[1]]}, "files must be an object in braces"),
    "files without a source": ({"cases": [], "files": {"w": {"certain": True}}}, "files: w: the key source is missing"),
}
WRONG_CASES = {
    "expected": (None, "case median: the key expected is missing"),
    "horizon": ("3", "case median: horizon must be a whole number"),
    "flags": ({}, "case median: flags: the key flip is missing"),
    "flags/flip": (1, "case median: flags: flip must be true or false"),
    "input": ({"value": [1]}, "case median: input: the key values is missing"),
    "input/values": ([1, "a"], "case median: input must hold numbers"),
    "input/values/0": (float("nan"), "case median: input must hold finite numbers"),
    "input/sine": ({"stop": 1}, "case median: input: sine: the key points is missing"),
    "columns": (["q55"], "case median: columns must be names out of mean, q10"),
    "expected/0": ([1, 2], "case median: expected must hold numbers, in rows of equal length"),
    "expected/": ([[1]], r"case median: expected has the shape \(1, 1\), not \(horizon, columns\), which is \(3, 1\)"),
    "tolerance": ({"flaot32": 1}, "case median: tolerance must have keys out of float32, bfloat16"),
    "tolerance/float32": ("small", "case median: tolerance: float32 must be a number"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_file_of_answers_of_another_shape_is_named_in_one_line(tmp_path, name):
    content, message = WRONG_FILES[name]
    write_json(tmp_path / "x.json", content)
    with pytest.raises(UserError, match=f"^known_answers of the configuration: .*{message}$"):
        load_cases(tmp_path / "x.json", "timesfm")


@pytest.mark.parametrize("key", WRONG_CASES)
def test_wrong_case_is_named_in_one_line(tmp_path, timesfm_answers, key):
    value, message = WRONG_CASES[key]
    content = json.loads(json.dumps(timesfm_answers))
    part, *inner, last = [0, *filter(None, key.split("/"))]
    place = content["cases"][part]
    for step in inner:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[int(last) if last.isdigit() else last] = value
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=f"^known_answers of the configuration: .*x.json: {message}[^\n]*$"):
        load_cases(tmp_path / "x.json", "timesfm")


def test_case_of_lag_llama_needs_its_own_keys(tmp_path, lag_llama_answers):
    for part, key, message in (
        ("flags", "seed", "case context 32: flags: the key seed is missing"),
        ("input", "first_month", "case context 32: input: the key first_month is missing"),
    ):
        content = json.loads(json.dumps(lag_llama_answers))
        del content["cases"][0][part][key]
        write_json(tmp_path / "x.json", content)
        with pytest.raises(UserError, match=f"{message}$"):
            load_cases(tmp_path / "x.json", "lag-llama")
    write_json(tmp_path / "x.json", lag_llama_answers)
    assert load_cases(tmp_path / "x.json", "lag-llama") == lag_llama_answers


def test_example_in_the_documentation_is_a_file_of_answers(tmp_path):
    page = (ROOT / "docs" / "how-to" / "get-pretrained-weights.md").read_text()
    (tmp_path / "x.json").write_text(page.partition("```json\n")[2].partition("```")[0])
    assert len(load_cases(tmp_path / "x.json", "timesfm")["cases"]) == 1


def test_forecast_of_another_shape_is_an_error(tiny, timesfm_answers):
    cases = [case | {"expected": case["expected"][0]} for case in timesfm_answers["cases"]]
    with pytest.raises(UserError, match=r"case median: the forecast has the shape \(3, 1\), expected has \(1,\)"):
        verify(tiny, {"cases": cases})


def test_case_of_more_days_than_the_network_forecasts_is_an_error(tiny, timesfm_answers):
    days = timesfm.load(tiny.parent).model.o + 1
    case = timesfm_answers["cases"][0]
    case = case | {"horizon": days, "expected": days * [[0.0] * len(case["columns"])]}
    with pytest.raises(UserError, match=rf"case median: horizon: it forecasts {days - 1} days, [^\n]* {days}$"):
        verify(tiny, {"cases": [case]})


def test_file_of_answers_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    for name in ("x.json", "gone.json"):
        with pytest.raises(UserError, match=f"^known_answers of the configuration: .*{name} cannot be read"):
            load_cases(tmp_path / name, "timesfm")
    assert load_cases("", "timesfm") is None


# --- the answers in this repository


@pytest.mark.parametrize("model", ["timesfm", "lag-llama"])
def test_published_answers_are_whole_and_say_where_they_come_from(model):
    cases = load_cases(ROOT / "resources" / "known-answers" / f"{model}.json", model)
    assert len(cases["cases"]) == {"timesfm": 3, "lag-llama": 2}[model]
    for case in cases["cases"]:
        assert case["licence"] in ("Apache-2.0", "BSD-3-Clause") and case["source"]
        assert np.shape(case["expected"]) == (case["horizon"], len(case["columns"]))
        assert np.isfinite(case["expected"]).all() and input_of(case).ndim == 1
        assert 1e-4 <= case["tolerance"]["float32"] <= 2e-4 < case["tolerance"].get("bfloat16", 1)
    published = {name: file["sha256"] for name, file in cases["files"].items() if file["certain"]}
    assert published.items() <= CONFIG["weights"]["models"][model]["files"].items()
    assert bool(published) == (model == "timesfm")


def test_published_inputs_are_the_ones_that_their_sources_name():
    timesfm_cases, lag_llama_cases = (
        {case["name"]: case for case in json.loads((ROOT / "resources/known-answers" / name).read_text())["cases"]}
        for name in ("timesfm.json", "lag-llama.json")
    )
    passengers = input_of(timesfm_cases["AirPassengers"])
    assert (len(passengers), passengers.sum(), passengers.max()) == (132, 34649, 559)
    for case in lag_llama_cases.values():
        assert (input_of(case) == passengers[:128]).all() and case["flags"]["prediction_length"] == 16
    assert [case["flags"]["context"] for case in lag_llama_cases.values()] == [32, 64]
    assert np.shape(timesfm_cases["temperature anomalies"]["expected"]) == (12, 10)
    sine = input_of(timesfm_cases["sine"])
    assert len(sine) == 100 and sine[0] == 0 and sine[-1] == pytest.approx(np.sin(20))
    rounding = 5e-5 / sine.std()  # of four decimals
    assert timesfm_cases["sine"]["tolerance"]["float32"] > 2 * rounding
