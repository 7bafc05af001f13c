"""Turn the predictive distributions of Lag-Llama into the scores of every target and fold."""

from functools import partial

from fd01.models.forecasts import PARAMETERS
from fd01.scoring.fold_scores import score_folds
from fd01.scoring.predictions import write_folds
from fd01.scoring.student_t import scores
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame, read_table

if __name__ == "__main__":
    configure_logging(snakemake)
    files, params = snakemake.input, snakemake.params
    frame, about = read_table(files.run, ["row", "seed", *PARAMETERS])
    frame = frame[frame["seed"].isin(params.seeds)] if params.seeds else frame
    dataset, origins = (read_frame(path) for path in (files.dataset, files.origins))
    scores_of = partial(scores, name=params.input_series, dataset=dataset, labels=params.labels)
    reason, needed = about.pop("not_run", None), about.pop("needed", None)
    frames, not_run = score_folds(frame, origins, params.targets, scores_of, reason, needed)
    about["fitted_on"] = "nothing: zero-shot"
    write_folds(snakemake.output[0], frames, origins, about, not_run)
