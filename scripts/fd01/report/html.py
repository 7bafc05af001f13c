"""The HTML page: how numbers, figures and templates become text."""

import re
from pathlib import Path

import pandas as pd

from fd01.report.glossary import anchor
from fd01.report.palette import as_variables
from fd01.report.svg import with_prefix

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def number(value, digits=3):
    """`value` with fixed decimals and a true minus sign; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{value:.{digits}f}".replace("-", MINUS)


def count(value):
    """A whole number with commas between thousands; a dash when there is none."""
    return NONE if value is None or pd.isna(value) else f"{int(value):,}"


def p_value(value, digits=3):
    """A p-value with fixed decimals; one that would be rounded to 0 or to less than the last of them is said to be."""
    smallest = 10**-digits
    return f"< {smallest:.{digits}f}" if value < smallest else number(value, digits)


def inline_svg(path):
    """The `<svg>` element of a figure, sized by the page, in the colours of its scheme.

    Its ids begin with the names of its folder and its file.
    """
    path = Path(path)
    prefix = re.sub(r"[^\w-]", "-", f"figure-{path.parent.name}-{path.stem}-")
    return as_variables(with_prefix(path.read_text(encoding="utf-8"), prefix))


def with_anchors(html, name):
    """The HTML of the section `name` with an id for every `<h3>` without attributes, and a link to it beside it."""
    taken = {}

    def with_anchor(found):
        title = re.sub(r"<[^>]*>", "", found[1]).strip()
        slug = f"{name}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}"
        taken[slug] = taken.get(slug, 0) + 1
        slug += f"-{taken[slug]}" if taken[slug] > 1 else ""
        link = f'<a class="anchor" href="#{slug}" aria-label="Link to: {title}">#</a>'
        return f'<div class="heading"><h3 id="{slug}">{found[1]}</h3>{link}</div>'

    return re.sub(r"<h3>(.*?)</h3>", with_anchor, html, flags=re.DOTALL)


class DoesNotApply(Exception):
    """A section has nothing to say about this run; the message is the reason, without a capital and a full stop."""


def skip(reason):
    """End the rendering of a section that does not apply to this run."""
    raise DoesNotApply(reason)


def render_page(folder, sections, doubts=None, **content):
    """The page of a folder with `index.html.j2` and `sections/`, as text.

    Parameters
    ----------
    folder : path
    sections : list of fd01.report.sections.Section
    doubts : dict of experiment to label, optional
        What speaks against an experiment; see `render`.
    **content
        What templates show. `index.html.j2` also gets `sections`, pairs of a Section and its HTML, and `skipped`, pairs
        of a Section and the reason why it does not apply to this run.
    """
    rendered, skipped = [], []
    for section in sections:
        try:
            html = render(folder, f"sections/{section.name}.html.j2", doubts, **content)
            rendered.append((section, with_anchors(html, section.name)))
        except DoesNotApply as reason:
            skipped.append((section, str(reason)))
    return render(folder, "index.html.j2", doubts, **content, sections=rendered, skipped=skipped)


def render(folder, template, doubts=None, **content):
    """A template as text; a name that `content` lacks is an error (`jinja2.UndefinedError`).

    Templates have the filters `number`, `count`, `p_value` and `anchor` (the id of a term), and `doubt`: what
    `doubts`, a dict of experiment to label, says of an experiment. They include others, as `template` itself, by their
    path from `folder`. `skip(reason)` ends a template that does not apply.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    doubts, mark_safe = doubts or {}, environment.filters["safe"]

    def doubt(experiment):
        return mark_safe(f' <span class="seen doubt">{doubts[experiment]}</span>') if experiment in doubts else ""

    environment.filters |= {"number": number, "count": count, "p_value": p_value, "anchor": anchor, "doubt": doubt}
    environment.globals["skip"] = skip
    return environment.get_template(template).render(doubts=doubts, **content)
