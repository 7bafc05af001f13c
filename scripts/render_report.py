"""Render the report: one self-contained HTML page."""

from pathlib import Path

import pandas as pd

from fd01.data.origins import EVALUATION
from fd01.data.targets import describe, target_column
from fd01.evaluation.audit import outdated
from fd01.evaluation.metrics import ALL_SEEDS
from fd01.report.figures import display_names
from fd01.scoring.predictions import of_target
from fd01.study.folds import is_walk_forward
from fd01.workflow.files import read_json, write_text
from fd01.workflow.logs import configure_logging
from fd01.workflow.parquet import read_frame

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def number(value, digits=3):
    """`value` with fixed decimals and a true minus sign; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{value:.{digits}f}".replace("-", MINUS)


def count(value):
    """A whole number with thousands apart; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{int(value):,}"


def inline_svg(path):
    """The `<svg>` element of a file, without the XML prolog, sized by the page."""
    text = Path(path).read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def block_tables(metrics, experiments, origins, target):
    """One entry per fold but walk-forward ones: what it holds, and its rows, best AUC first, those not run last."""
    column = target_column(**target)
    metrics = of_target(metrics, **target)
    for fold, block in origins.groupby("fold", sort=False):
        if is_walk_forward(fold):
            continue
        rows = metrics[metrics["fold"] == fold]
        ran = rows[rows["status"] == "ok"]
        seeds = ran[ran["seed"] != ALL_SEEDS].groupby(["experiment", "score_kind"])["auc"].agg(["min", "max"])
        means = ran[ran["seed"] == ALL_SEEDS].sort_values("auc", ascending=False)
        means = means.join(seeds, on=["experiment", "score_kind"]).assign(label=display_names(means))
        off = experiments[experiments["model"].isna()]
        absent = pd.concat([rows[rows["status"] == "not run"], off])[["experiment", "reason"]].drop_duplicates()
        evaluation = block[block["role"] == EVALUATION]
        known = block.loc[block["role"] != EVALUATION, column].dropna()
        yield {
            "name": fold,
            "first": evaluation["origin"].min(),
            "last": evaluation["origin"].max(),
            "n": int(evaluation[column].notna().sum()),
            "positives": int(evaluation[column].sum()),
            "prevalence": evaluation[column].mean(),
            "train_end": block["train_end"].iloc[0],
            "train_n": len(known),
            "train_prevalence": known.mean(),
            "rows": means.to_dict("records"),
            "absent": absent.to_dict("records"),
        }


KINDS = {
    "study": "the study's own score, the median forecast as a return",
    "exceedance": "the probability of the event under the predictive distribution",
    "width": "the distance between its 10 % and 90 % quantiles, a measure of volatility alone",
}


def kinds_to_explain(blocks):
    """What the kinds of score mean that a label of the tables names."""
    shown = [row["score_kind"] for block in blocks for row in block["rows"] if row["label"] != row["experiment"]]
    return [f"{kind} is {KINDS[kind]}" for kind in KINDS if kind in shown]


def health(directory):
    """Checks by experiment and the names of all checks, in the order of the files."""
    checks = {path.stem: read_json(path) for path in sorted(Path(directory).glob("*.json"))}
    names = list(dict.fromkeys(check["check"] for group in checks.values() for check in group))
    return {name: {check["check"]: check for check in group} for name, group in checks.items()}, names


def imported(provenances):
    """Where imported predictions come from, one entry per experiment that has any."""
    return [{"experiment": name} | about["imported"] for name, about in provenances.items() if "imported" in about]


def figures(directories, folds):
    """Inline SVG by figure and fold."""
    return {
        Path(directory).name: {fold: inline_svg(Path(directory) / f"{fold}.svg") for fold in folds}
        for directory in directories
    }


def audit_of(path, predictions):
    """What the report says of the leakage audit: its rows, and experiments whose predictions are others by now."""
    if not path:
        return None
    table = pd.read_csv(path)
    return {"rows": table.to_dict("records"), "outdated": outdated(table, predictions)}


def render(template_path, **content):
    """The page as text; a name that `content` lacks is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template_path = Path(template_path)
    environment = Environment(
        loader=FileSystemLoader(template_path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "count": count}
    return environment.get_template(template_path.name).render(**content)


if __name__ == "__main__":
    configure_logging(snakemake)
    files = snakemake.input
    verdict, provenance = read_json(files.verdict), read_json(files.provenance)
    origins = read_frame(files.outcomes)
    experiments = pd.read_csv(files.experiments)
    target = {"target": verdict["target"], "horizon": verdict["horizon"]}
    order = [block["fold"] for block in verdict["blocks"]]
    blocks = list(block_tables(pd.read_csv(files.metrics), experiments, origins, target))
    blocks.sort(key=lambda block: order.index(block["name"]))
    checks, check_names = health(files.checks)
    config, ran = provenance["config"], list(provenance["experiments"])
    page = render(
        files.template,
        style=Path(files.style).read_text(encoding="utf-8"),
        verdict=verdict,
        event=describe(**target, labels=config["labels"]),
        blocks=blocks,
        kinds=kinds_to_explain(blocks),
        twins=[name for name in ran if name.endswith("-untrained")],
        covariates=[name for name in ran if "covariates" in config["experiments"][name]["settings"]],
        experiments=experiments.to_dict("records"),
        checks=checks,
        check_names=check_names,
        about=read_json(files.about),
        provenance=provenance,
        walk_forward_blocks=[fold for fold in origins["fold"].unique() if is_walk_forward(fold)],
        imported=imported(provenance["experiments"]),
        erratum=read_json(files.erratum),
        auc=inline_svg(files.auc),
        figures=figures(files.scores, [block["name"] for block in blocks]),
        audit=audit_of(files.audit, files.predictions),
        opening=[Path(path).name for path in files.opening],
        sections=[Path(path).name for path in files.sections],
        tables={Path(path).stem: pd.read_csv(path).to_dict("records") for path in files.tables},
        drawings={Path(path).stem: inline_svg(path) for path in files.drawings},
    )
    write_text(snakemake.output[0], page)
