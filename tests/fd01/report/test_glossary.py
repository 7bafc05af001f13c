"""The glossary as the report shows it."""

import re

import pytest
from helpers.paths import ROOT

from fd01.report.glossary import anchor, read_glossary

TEXT = """# Glossary

### AUC
The chance that one is *above* the
other. See [exposure](#exposure), or the [docs](../explanation/x.md#auc).

- `a & b`;
- two
  lines.

### exposure
Seen < unseen.
"""


def test_entries_have_paragraphs_lists_and_links_within_the_page_alone():
    first, second = read_glossary(TEXT)
    assert (first.term, first.anchor) == ("AUC", "glossary-auc")
    assert first.html == (
        "<p>The chance that one is <em>above</em> the other. "
        'See <a href="#glossary-exposure">exposure</a>, or the docs.'
        "</p><ul><li><code>a &amp; b</code>;</li><li>two lines.</li></ul>"
    )
    assert second.html == "<p>Seen &lt; unseen.</p>"


@pytest.fixture(scope="module")
def entries():
    return read_glossary((ROOT / "docs/reference/glossary.md").read_text())


def test_every_link_of_the_glossary_leads_to_one_of_its_terms(entries):
    anchors = [entry.anchor for entry in entries]
    assert len(set(anchors)) == len(anchors) > 50
    linked = {target for entry in entries for target in re.findall(r'href="#([^"]+)"', entry.html)}
    assert "glossary-original-study" in linked and linked <= set(anchors)


def test_glossary_is_in_order_and_leaves_no_markdown(entries):
    terms = [entry.term.lower().replace("-", " ") for entry in entries]
    assert terms == sorted(terms)
    assert not [entry.term for entry in entries if re.search(r"[`*]|\]\(", entry.html)]


def test_anchor_of_a_term_with_an_apostrophe():
    assert anchor("Holm's correction") == "glossary-holms-correction"
