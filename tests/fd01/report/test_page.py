"""The page around the sections of the report: contents, anchors, folds, files, and that it needs nothing else."""

import re
import shutil
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from helpers.paths import ROOT

from fd01.report.files import embedded, files_of_run
from fd01.report.html import render, render_page, with_anchors
from fd01.report.sections import ANSWER, APPENDIX, LAYERS, RESULTS, Section

REPORT = ROOT / "report"
SECTIONS = [
    Section("first", ANSWER, "The answer"),
    Section("table", RESULTS, "The table"),
    Section("slow", RESULTS, "Block by block"),
    Section("behind", APPENDIX, "What is behind"),
]
TEMPLATES = {
    "first": "<h1>Yes</h1>",
    "table": "<h3>Days</h3><p>one</p><h3>Days</h3><p>two</p>",
    "slow": '{{ skip("it takes hours") }}',
    "behind": "<h3>Inside</h3>",
}


@pytest.fixture
def page(tmp_path):
    """The page with the sections above."""
    (tmp_path / "sections").mkdir()
    shutil.copy(REPORT / "index.html.j2", tmp_path)
    for name, text in TEMPLATES.items():
        (tmp_path / "sections" / f"{name}.html.j2").write_text(text)
    return render_page(
        tmp_path,
        SECTIONS,
        layers=LAYERS,
        style=(REPORT / "style.css").read_text(),
        script=(REPORT / "script.js").read_text(),
        summary={"study": "FD-01", "title": "Made-up prices"},
    )


def test_contents_lead_to_every_section_that_is_there(page):
    contents = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'href="#(.*?)"', contents) == ["first", "table", "behind", "does-not-apply"]


def test_section_that_does_not_apply_is_one_line(page):
    assert "<li><b>Block by block</b> – it takes hours.</li>" in page
    assert 'id="slow"' not in page


def test_ids_are_unique_and_every_link_in_the_page_leads_to_one(page):
    ids = re.findall(r'\bid="(.*?)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#(.*?)"', page)) <= set(ids)


def test_id_of_a_folded_section_stands_in_what_is_folded(page):
    """Only then does a browser unfold it for a link, without any script."""
    fold = page[page.index('<details class="section">') : page.rindex("</details>")]
    assert fold.index("</summary>") < fold.index('id="behind"')


def test_page_asks_for_no_other_file(page):
    assert not re.search(r"\bsrc=|@import|url\(|\bfetch\(|XMLHttpRequest|import\(", page)
    loaded = re.findall(r'<link [^>]*href="(.*?)"', page)
    assert loaded and all(href.startswith("data:") for href in loaded)


def test_headings_of_a_section_get_anchors():
    html = with_anchors('<h3>One <b>day</b></h3><h3>One day</h3><h3 id="own">Own</h3>', "labels")
    assert re.findall(r'<h3 id="(.*?)">', html) == ["labels-one-day", "labels-one-day-2", "own"]
    assert re.findall(r'href="#(.*?)" aria-label="(.*?)"', html) == [
        ("labels-one-day", "Link to: One day"),
        ("labels-one-day-2", "Link to: One day"),
    ]
    assert "<b>day</b>" in html


@pytest.fixture
def rendered(tmp_path):
    """The text of a template that may import the macros."""
    shutil.copy(REPORT / "macros.html.j2", tmp_path)

    def render_text(text):
        (tmp_path / "text.j2").write_text(text)
        return render(tmp_path, "text.j2")

    return render_text


def test_table_region_can_be_scrolled_by_the_keyboard_and_has_a_name(rendered):
    call = '{% from "macros.html.j2" import table_region %}{% call table_region("A & B") %}<table></table>{% endcall %}'
    region = ElementTree.fromstring(rendered(call))
    assert region.attrib == {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "A & B"}
    assert [child.tag for child in region] == ["table"]


def test_link_to_a_file_starts_at_the_report(rendered):
    link = ElementTree.fromstring(rendered('{% from "macros.html.j2" import file %}{{ file("metrics/auc.csv") }}'))
    assert (link.get("href"), link.text) == ("../metrics/auc.csv", "metrics/auc.csv")


def test_embedded_table_is_the_file(tmp_path):
    text = 'name,auc\n"50 % #1, größte & <b>",0.5\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    head, data = embedded(tmp_path / "a.csv").split(",", 1)
    assert head == "data:text/csv;charset=utf-8"
    assert unquote(data) == text
    assert not re.search(r'[\s"<>#&]', data)


def test_files_of_a_run_are_tables_figures_and_records(tmp_path):
    roc = tmp_path / "figures" / "roc"
    roc.mkdir(parents=True)
    for name in ("test.svg", "test.csv", "test-all.svg", "notes.txt"):
        (roc / name).touch()
    checks = tmp_path / "checks"
    checks.mkdir()
    (checks / "A.json").touch()
    paths = ["verdict.json", "metrics/b.csv", "metrics/a.csv", "figures/auc.svg", "data/days.parquet"]
    inside = [tmp_path / path for path in paths]
    assert files_of_run([*inside, roc, checks, ROOT / "config.csv"], tmp_path) == {
        "": ["verdict.json"],
        "figures": [
            *("figures/auc.csv", "figures/auc.svg"),
            *("figures/roc/test-all.svg", "figures/roc/test.csv", "figures/roc/test.svg"),
        ],
        "metrics": ["metrics/a.csv", "metrics/b.csv"],
    }
