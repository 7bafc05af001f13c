"""The contents of the report, from top to bottom.

To add a section, add a line here, and its template `report/sections/{name}.html.j2`.
"""

from dataclasses import dataclass

ANSWER, RESULTS, APPENDIX = "answer", "results", "appendix"
LAYERS = {  # from top to bottom, with their titles
    ANSWER: "The answer",
    RESULTS: "The results",
    APPENDIX: "Everything behind the results",
}


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Attributes
    ----------
    name : str
        The name of its template, and its anchor.
    layer : str, a key of `LAYERS`
        `ANSWER` is for every reader, `RESULTS` for a quantitative analyst; those of `APPENDIX`, for a referee, are
        folded.
    title : str
        Its heading, and its entry in the list of contents.
    """

    name: str
    layer: str
    title: str


SECTIONS = [
    Section("answer", ANSWER, "The answer"),
    Section("series", RESULTS, "Series by series"),
    Section("results", RESULTS, "Results, experiment by experiment"),
    Section("walk-forward", RESULTS, "Block by block through history"),
    Section("truth", RESULTS, "Known truth"),
    Section("labels", RESULTS, "The same days, other events"),
    Section("explanation", RESULTS, "Does a model know anything beyond volatility?"),
    Section("calibration", RESULTS, "Do the probabilities mean what they say?"),
    Section("losses", RESULTS, "Probabilities, by their daily losses"),
    Section("figures", RESULTS, "Figures"),
    Section("protocol", APPENDIX, "The protocol of the original study"),
    Section("published", APPENDIX, "What the original study published, and what is measured here"),
    Section("erratum", APPENDIX, "Erratum: what the published figures of the foundation models were"),
    Section("power", APPENDIX, "What these days can tell"),
    Section("contamination", APPENDIX, "Could the models have seen these days?"),
    Section("audit", APPENDIX, "Leakage audit"),
    Section("alignment", APPENDIX, "Does each forecast lie on its day?"),
    Section("plan", APPENDIX, "The analysis plan and its digest"),
    Section("ledger", APPENDIX, "How often these days have been looked at"),
    Section("covariates", APPENDIX, "What covariates can do here"),
    Section("checks", APPENDIX, "Health checks"),
    Section("known-answers", APPENDIX, "Known answers of the weights"),
    Section("not-run", APPENDIX, "What did not run"),
    Section("data", APPENDIX, "The data and the blocks"),
    Section("provenance", APPENDIX, "Provenance: experiments, weights and code"),
    Section("environment", APPENDIX, "The environment of the run"),
    Section("cost", APPENDIX, "What the run cost"),
    Section("glossary", APPENDIX, "Glossary"),
    Section("licences", APPENDIX, "Licences of data, code and weights"),
    Section("citation", APPENDIX, "How to cite"),
    Section("files", APPENDIX, "Files of this run"),
]

# The page of a single series, which `snakemake series` makes.
ONE_SERIES = [
    Section("one-series", ANSWER, "One series"),
    Section("one-series-blocks", RESULTS, "The experiments on this series"),
    Section("one-series-missing", RESULTS, "What did not run"),
    next(section for section in SECTIONS if section.name == "glossary"),
]
