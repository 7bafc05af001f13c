"""The HTML page: how numbers, figures and templates become text."""

from pathlib import Path

import pandas as pd

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def number(value, digits=3):
    """`value` with fixed decimals and a true minus sign; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{value:.{digits}f}".replace("-", MINUS)


def count(value):
    """A whole number with commas between thousands; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{int(value):,}"


def inline_svg(path):
    """The `<svg>` element of a file, without the XML prolog, sized by the page."""
    text = Path(path).read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def render(template_path, doubts=None, **content):
    """The page as text; a name that `content` lacks is an error (`jinja2.UndefinedError`).

    Templates have the filters `number` and `count`, and `doubt`, which gives what `doubts`, a dict of experiment to
    label, says of an experiment. They include others by their path from the folder of the first.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template_path = Path(template_path)
    environment = Environment(
        loader=FileSystemLoader(template_path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    doubts, mark_safe = doubts or {}, environment.filters["safe"]

    def doubt(experiment):
        return mark_safe(f' <span class="seen doubt">{doubts[experiment]}</span>') if experiment in doubts else ""

    environment.filters |= {"number": number, "count": count, "doubt": doubt}
    return environment.get_template(template_path.name).render(doubts=doubts, **content)
