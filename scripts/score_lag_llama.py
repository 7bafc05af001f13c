"""Make the scores of every target and fold from the stored distributions of Lag-Llama."""

from functools import partial

from fd01.data.touch import touch_exponent, touch_exponents
from fd01.models.forecasts import PARAMETERS
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import write_folds
from fd01.scoring.student_t import scores
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    forecasts, provenance = read_table(files.run, ["row", "seed", *PARAMETERS])
    if params.seeds:
        forecasts = forecasts[forecasts["seed"].isin(params.seeds)]
    dataset, origins = (read_frame(path) for path in (files.dataset, files.origins))
    scores_of = partial(scores, name=params.input_series, dataset=dataset, labels=params.labels)
    exponent_of = partial(touch_exponent, dataset=dataset, labels=params.labels)
    reason, needed = provenance.pop("not_run", None), provenance.pop("needed", None)
    frames, not_run = score_folds(forecasts, origins, params.targets, scores_of, exponent_of, reason, needed)
    provenance["touch_exponents"] = touch_exponents(
        origins, params.targets, dataset, params.labels, params.input_series
    )
    provenance["fitted_on"] = "nothing: zero-shot"
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
