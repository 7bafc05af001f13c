"""The periods of days that were looked at, with titles for readers."""

from fd01.data.origins import EVALUATION, ORIGIN_KEY
from fd01.data.targets import target_column
from fd01.evaluation.blocks import AFTER_CUTOFF
from fd01.evaluation.exposure import last_day
from fd01.study.folds import is_walk_forward


def periods(study, results):
    """The periods of days that were looked at: all clean days together first, then each block, the protocol's first."""
    column = target_column(**study.target)
    days = results.outcomes[(results.outcomes["role"] == EVALUATION) & results.outcomes[column].notna()]
    clean = days["origin"] > last_day(study.cut_off or "unknown")
    parts = {AFTER_CUTOFF: days[clean].drop_duplicates(ORIGIN_KEY)}
    parts |= {block["fold"]: days[days["fold"] == block["fold"]] for block in results.verdict["blocks"]}
    parts = {fold: part for fold, part in parts.items() if len(part) and not is_walk_forward(fold)}
    titles = _titles({fold: (part["origin"].min(), part["origin"].max()) for fold, part in parts.items()})
    return [
        {
            "fold": fold,
            "title": titles[fold],
            "first": f"{part['origin'].min():%Y-%m-%d}",
            "last": f"{part['origin'].max():%Y-%m-%d}",
            "n": len(part),
            "series": part["series"].nunique(),
            "dates": part["origin"].nunique(),
            "positives": int(part[column].sum()),
            "base_rate": float(part[column].mean()),
            "clean": bool(clean[part.index].all()),
        }
        for fold, part in parts.items()
    ]


def _titles(spans):
    """A title per fold from its first and last day: years, or months where two periods have the same years."""
    years = {fold: f"{a.year}–{b.year}" if a.year < b.year else f"{a.year}" for fold, (a, b) in spans.items()}
    months = {fold: f"{a:%b %Y} to {b:%b %Y}" for fold, (a, b) in spans.items()}
    titles = {}
    for fold in spans:
        others = [years[other] for other in spans if other not in (fold, AFTER_CUTOFF)]
        titles[fold] = months[fold] if years[fold] in others else years[fold]
        if [months[other] for other in spans if other != AFTER_CUTOFF].count(titles[fold]) > 1:
            titles[fold] = f"{titles[fold]} ({fold})"
    if AFTER_CUTOFF in spans:
        titles[AFTER_CUTOFF] = f"clean days, {months[AFTER_CUTOFF]}"
    return titles
