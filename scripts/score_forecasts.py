"""Make the scores of every target and fold from stored deciles."""

from functools import partial

from fd01.data.touch import touch_exponent, touch_exponents
from fd01.scoring.deciles import scores
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import write_folds
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    params = snakemake.params
    quantiles, provenance = read_table(snakemake.input.quantiles)
    dataset, origins = (read_frame(path) for path in (snakemake.input.dataset, snakemake.input.origins))
    scores_of = partial(scores, name=params.input_series, dataset=dataset, labels=params.labels)
    exponent_of = partial(touch_exponent, dataset=dataset, labels=params.labels)
    reason = provenance.pop("not_run", None)
    frames, not_run = score_folds(quantiles, origins, params.targets, scores_of, exponent_of, reason)
    provenance["touch_exponents"] = touch_exponents(
        origins, params.targets, dataset, params.labels, params.input_series
    )
    write_folds(snakemake.output[0], frames, origins, provenance, not_run)
