"""Licences, and how to cite."""

import pytest
import yaml
from helpers.made_up_data import CONFIG
from helpers.paths import ROOT

from fd01.report.citation import bibtex, in_words
from fd01.report.licences import PRICES, licences

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())


def test_every_kind_of_prices_in_the_configuration_has_a_licence():
    assert {entry["source"]["kind"] for entry in CONFIG["datasets"].values()} <= set(PRICES)


def test_code_prices_weights_and_forecasts_have_one_line_each():
    provenances = {
        "TFM-01": {"weights": {"model": "timesfm", "license": "Apache-2.0", "revision": "r"}},
        "FRC-01": {"weights": {"model": "fracast", "license": "MIT", "revision": "package fracast"}},
        "FRC-02": {"weights": {"model": "fracast", "license": "MIT", "revision": "package fracast"}},
        "EXT": {"weights": "made elsewhere", "external": {"license": "CC-BY-4.0", "source": "a friend"}},
        "PTST": {"weights": "trained from scratch"},
    }
    dataset = {"title": "SPY", "source": {"kind": "parquet"}}
    rows = licences(CITATION, dataset, CONFIG, provenances)
    found = {row["what"]: row["licence"] for row in rows}
    assert len(found) == len(rows) == 4 + len(CONFIG["weights"]["models"])
    assert found["the code of this study"] == CITATION["license"]
    assert (found["the weights of fracast"], found["the forecasts EXT"]) == ("MIT", "CC-BY-4.0")
    assert found["the weights of google/timesfm-2.5-200m-pytorch"] == "Apache-2.0"


def test_citation_is_the_one_of_the_file():
    entry = bibtex(CITATION)
    assert entry.startswith("@software{fd01,") and entry.count("{") == entry.count("}")
    for value in (CITATION["title"], CITATION["version"], CITATION["license"], CITATION["date-released"][:4]):
        assert f"{{{value}}}" in entry
    assert f"{CITATION['title']} Version" in in_words(CITATION)  # it ends with a question mark of its own


@pytest.mark.parametrize(
    ("authors", "line", "field"),
    [
        ([{"name": "The authors"}], "The authors (2026)", "{{The authors}}"),
        ([{"given-names": "A", "family-names": "B"}, {"name": "C"}], "A B, C (2026)", "{B, A and {C}}"),
    ],
)
def test_persons_and_organisations_are_cited_as_what_they_are(authors, line, field):
    citation = {"title": "T", "authors": authors, "date-released": "2026-01-02", "version": "1", "license": "MIT"}
    assert in_words(citation) == f"{line}. T. Version 1."
    assert f"author = {field}" in bibtex(citation)
    assert "doi = {10.1/x}" in bibtex(citation | {"doi": "10.1/x"})
