"""The templates of the report: every figure in the page comes from data."""

import re

import pytest
from helpers.paths import ROOT

from fd01.report.html import render

TEMPLATES = sorted((ROOT / "report").rglob("*.j2"))
# What is no figure of a run: names, units, and what is so by definition; a blank stands for any space.
ALLOWED = [
    *("FD-01", r"TimesFM 2\.5", r"F1\b", "float32", "SHA-256"),
    *("1,000 forecasts", r"1 − \(1 − p\)", r"day −?[01]\b"),
    *(r"0\.5,? (is )?guessing", r"from 0\.5, guessing", r"below 0\.5 means", "1 is perfect", "excludes 0"),
    *("Slope: 1 is perfect; below 1", "30 %", "30 of 100 such days", "[Gg]uessing, 95 %", "on 95 of 100 blocks"),
    *("of 1, 5 and 22 days", "of 5 and of 22 days", r"threshold of 0\.5"),
]
CODE = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<[^<>]*>|&#?\w+;", re.DOTALL)


def typed_numbers(text):
    """Numbers in a template that stand there as text, each with the words around it."""
    text = MARKUP.sub("\n", CODE.sub("~", text))
    text = re.sub("|".join(ALLOWED).replace(" ", r"\s+"), "", text)
    return [" ".join(found[0].split()) for found in re.finditer(r".{0,30}\d[\d.,]*.{0,20}", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_number_is_typed_into_a_template(path):
    assert typed_numbers(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>the AUC is 0.83</p>", ["the AUC is 0.83"]),
        ("{{ auc | number(2) }} of 3 blocks", ["~ of 3 blocks"]),
        ("{# 2 #}{% if n > 2 %}<h2 id='a1'>FD-01&#39;s</h2>{% endif %}", []),
        ('<td colspan="{{ n }}" class="n2">{{ "%.2g" | format(x) }}</td>', []),
    ],
)
def test_typed_number_is_noticed(text, found):
    assert typed_numbers(text) == found


# What this project has written itself: pieces of the page, and figures, in which names are text (tests of the figures).
WRITTEN_HERE = r"style|script|html|entry\.html|(answer_|block_|map_|series_)?figures(\.\w+|\[[^\]]+\])+"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_strings_of_data_and_configuration_are_escaped(path):
    text = path.read_text()
    unescaped = [" ".join(found.split()) for found in re.findall(r"\{\{((?:(?!\}\}).)*?)\|\s*safe\b", text, re.DOTALL)]
    assert not [found for found in unescaped if not re.fullmatch(WRITTEN_HERE, found.strip())]
    assert "autoescape" not in text


def test_page_shows_a_script_in_a_title_as_text(tmp_path):
    (tmp_path / "page.html.j2").write_text('<p title="{{ title }}">{{ title }}{{ title | doubt }}</p>')
    title = '"><script>alert(1)</script>'
    shown = render(tmp_path, "page.html.j2", title=title)
    assert "<script" not in shown and "&lt;script&gt;" in shown and '=""' not in shown
