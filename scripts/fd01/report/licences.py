"""Where the prices of a run come from, and the licences of all that it rests on: code, prices, weights, forecasts."""

# Prices by the kind of their source: where they come from, the licence, and who states it.
PRICES = {
    "packaged": (
        "real prices that the Python package arch brings",
        "not stated for the prices; the package itself: NCSA",
        "the package arch, which holds them",
    ),
    "parquet": ("a file of your own", "not known here", "whoever gave you the file"),
    "yahoo": ("downloaded from Yahoo Finance", "for personal use, under the terms of Yahoo", "Yahoo Finance"),
    "synthetic": ("made up by this study", "none: made up by this study", "this study"),
}


def prices_from(dataset):
    """Where the prices come from, a clause; `dataset` is the content of `dataset.json`."""
    return PRICES[dataset["source"]["kind"]][0]


def licences(citation, dataset, config, provenances):
    """What has which licence, and who states it.

    Parameters
    ----------
    citation : dict, the content of CITATION.cff
    dataset : dict, the content of `dataset.json`
    config : dict
    provenances : dict of experiment to its provenance

    Returns
    -------
    list of dict with `what`, `licence`, `stated_by`
    """
    _, licence, stated_by = PRICES[dataset["source"]["kind"]]
    rows = [
        ("the code of this study", citation["license"], "the file LICENSE"),
        (f"the prices: {dataset['title']}", licence, stated_by),
        *(
            (f"the weights of {entry['repository']}", entry["license"], f"the configuration (weights/models/{model})")
            for model, entry in config["weights"]["models"].items()
        ),
    ]
    for name, provenance in provenances.items():
        weights = provenance["weights"]
        if isinstance(weights, dict) and weights["model"] not in config["weights"]["models"]:
            rows.append((f"the weights of {weights['model']}", weights["license"], weights["revision"]))
        if "license" in provenance.get("external", {}):
            external = provenance["external"]
            rows.append((f"the forecasts {name}", external["license"], external["source"]))
    return [dict(zip(("what", "licence", "stated_by"), row)) for row in dict.fromkeys(rows)]
