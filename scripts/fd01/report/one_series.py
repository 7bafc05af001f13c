"""The page of one series: which series is meant, what its file is called, and what the page shows."""

import difflib
import re
import unicodedata

import numpy as np
import pandas as pd
from scipy.special import ndtri

from fd01.evaluation.heterogeneity import series_aucs
from fd01.workflow.errors import UserError
from fd01.workflow.files import digest

LIKE = 5  # names that an error shows at most


def find_series(asked, names):
    """The series that the command line asks for.

    Parameters
    ----------
    asked : str, int, float or None
        Snakemake reads what looks like a number as one, such as `005930` as 5930.
    names : list of str, all series

    Raises
    ------
    UserError
        If nothing is asked for, or no series has that name: with the nearest ones.
    """
    if asked is None:
        raise UserError(f"No series is named. Call: snakemake series --config series={names[0]}")
    if str(asked) in names:
        return str(asked)
    same = [] if isinstance(asked, str) else [name for name in names if _as_number(name) == asked]
    if len(same) == 1:
        return same[0]
    if same:
        quoted = " or ".join(f"--config 'series=\"{name}\"'" for name in same[:LIKE])
        raise UserError(f"series={asked} may be any of {', '.join(same[:LIKE])}: put the name in quotes, {quoted}")
    raise UserError(f"There is no series {asked} among the {len(names):,} of this dataset. {_like(str(asked), names)}")


def _as_number(name):
    try:
        return float(name)
    except ValueError:
        return None


def _like(asked, names):
    folded = {}
    for name in names:
        folded.setdefault(name.casefold(), []).append(name)
    near = difflib.get_close_matches(asked.casefold(), folded, n=LIKE, cutoff=0.4)
    near = [name for key in near for name in folded[key]][:LIKE]
    return f"Names like it: {', '.join(near)}." if near else f"It has, for instance, {', '.join(names[:LIKE])}."


def page_name(name, names):
    """The name of the file of a series' page: that of the series where it can be, else with a digest.

    A name with other characters than letters without accents, digits, `.`, `_` and `-` cannot be one on every system,
    nor can one that another of `names` equals but for capitals.

    >>> page_name("BRK.B", ["BRK.B", "QQQ"]), page_name("../x", ["../x"])
    ('BRK.B.html', 'x-db8f7bad.html')
    """
    alone = sum(other.casefold() == name.casefold() for other in names) == 1
    if alone and re.fullmatch(r"[A-Za-z0-9_][\w.-]{0,63}", name, re.ASCII):
        return f"{name}.html"
    without_accents = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    plain = re.sub(r"[^\w-]+", "-", without_accents, flags=re.ASCII).strip("-")[:40] or "series"
    return f"{plain}-{digest(name)[:8]}.html"


def experiment_table(fold, matrix, series, intervals, comparisons, alpha):
    """The experiments of one fold on one series, beside all series together; the highest AUC first.

    Parameters
    ----------
    fold : str
    matrix : ScoreMatrix
        Of the days of the series alone, with both outcomes.
    series : DataFrame, the rows of `series.csv` of this series
    intervals, comparisons : DataFrame, these tables
    alpha : float
        The intervals have the level 1 - alpha.

    Returns
    -------
    DataFrame
        By experiment: `auc` with `low` and `high`; `difference` to the reference with `difference_low` and
        `difference_high`, and `shrunken`, the difference drawn to those of all series; and of all series together
        `all_auc`, `all_low`, `all_high`, `all_difference`. NaN where there is none.
    """
    z = ndtri(1 - alpha / 2)
    overall = intervals[intervals["fold"] == fold].set_index("experiment")
    found = series_aucs(matrix, overall["block_length"].iloc[0] if len(overall) else 1.0)
    own = series[series["fold"] == fold].set_index("experiment").reindex(found.index)
    pairs = comparisons[(comparisons["fold"] == fold) & (comparisons["against"] == "reference")].set_index("experiment")
    overall, pairs = overall.reindex(found.index), pairs.reindex(found.index)
    table = pd.DataFrame(
        {
            "auc": found["auc"],
            "low": np.maximum(found["auc"] - z * found["se"], 0),
            "high": np.minimum(found["auc"] + z * found["se"], 1),
            "difference": own["difference"],
            "difference_low": own["difference"] - z * own["se"],
            "difference_high": own["difference"] + z * own["se"],
            "shrunken": own["shrunken"],
            "all_auc": overall["auc"],
            "all_low": overall["auc_low"],
            "all_high": overall["auc_high"],
            "all_difference": pairs["auc_difference"],
        }
    )
    return table.sort_values("auc", ascending=False, kind="stable")
