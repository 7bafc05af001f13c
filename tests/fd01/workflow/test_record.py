"""What a report rests on: a change is noticed, and an older report says that it is one."""

import os

import pytest
from show import require_unchanged

from fd01.workflow.errors import UserError
from fd01.workflow.files import content_sha256, contents_sha256, sha256, write_json
from fd01.workflow.record import PAGE, RECORD, changes, digests, rests_on, say_older, take_back

HTML = '<!DOCTYPE html><html><body class="a"><h1>Yes</h1></body></html>'


@pytest.fixture
def root(tmp_path):
    """Small results with their record; beside them a file that is no part of them."""
    root = tmp_path / "results" / "spy"
    for name in ("metrics/a.csv", "predictions/A/test.parquet", "predictions/A/.hidden", PAGE):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / PAGE).write_text(HTML)
    (tmp_path / "template").write_text("x")
    write_json(
        root / RECORD,
        digests([root / "metrics/a.csv", root / "predictions/A", root / PAGE, tmp_path / "template"], root),
    )
    return root


def test_record_has_the_files_of_the_results_and_of_their_folders(root):
    assert set(digests([root], root)) == {"metrics/a.csv", "predictions/A/test.parquet", PAGE}
    assert changes(root) == []


@pytest.mark.parametrize("name", ["metrics/a.csv", "predictions/A/test.parquet", PAGE])
def test_deleted_and_changed_files_are_named_and_the_report_is_not_called_up_to_date(root, name):
    require_unchanged(root)
    about = (root / name).stat()
    (root / name).write_text((root / name).read_text().upper())  # as long, and with the old time stamp
    os.utime(root / name, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert changes(root) == [f"{root / name} has changed"]
    (root / name).unlink()
    with pytest.raises(UserError, match=rf"{name} is gone\. .* not up to date.*--forcerun render_report"):
        require_unchanged(root)


def test_run_that_makes_a_file_of_the_record_again_is_noticed(root):
    for output in ("metrics/a.csv", "predictions/A", PAGE):
        assert rests_on(root, ["x", str(root / output)])
    assert not rests_on(root, [str(root / "predictions/B"), str(root / "metrics/b.csv"), str(root.parent)])
    assert not rests_on(root / "nothing", [str(root / PAGE)])


def test_note_stands_once_at_the_top_and_goes_again_and_the_time_stamp_stays(root):
    page = root / PAGE
    os.utime(page, ns=(10**18, 10**18))
    say_older(root)
    say_older(root)
    text = page.read_text()
    assert text.startswith('<!DOCTYPE html><html><body class="a"><p id="outdated"') and text.count("outdated") == 1
    assert "This report is older than the files beside it" in text and "<h1>Yes</h1>" in text
    assert page.stat().st_mtime_ns == 10**18
    take_back(root)
    assert page.read_text() == HTML and page.stat().st_mtime_ns == 10**18


def test_without_a_report_there_is_nothing_to_say(tmp_path):
    say_older(tmp_path)
    take_back(tmp_path)
    assert not list(tmp_path.iterdir())


def test_digest_is_computed_once_for_each_state_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr("fd01.workflow.files.sha256", lambda path: calls.append(path) or "x")
    (tmp_path / "a").write_text("1")
    assert [content_sha256("a"), content_sha256(tmp_path / "a")] == ["x", "x"] and len(calls) == 1
    (tmp_path / "a").write_text("2")  # as long
    os.utime(tmp_path / "a", ns=(1, 1))
    content_sha256("a")
    assert len(calls) == 2 and content_sha256("b") is None


def test_digests_of_many_files_are_kept_in_one_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "folder").mkdir()
    for i in range(40):
        (tmp_path / "folder" / f"{i}.parquet").write_text(f"{tmp_path} {i}")
    written = []
    monkeypatch.setattr("fd01.workflow.files.write_json", lambda path, value: written.append(len(value)))
    paths = ["folder/3.parquet", "gone", "folder"]
    (one, gone, folder) = contents_sha256(paths)
    assert written == [40] and gone is None
    assert (one, folder) == (sha256("folder/3.parquet"), content_sha256("folder"))
    assert contents_sha256(paths) == [one, gone, folder] and len(written) == 1
