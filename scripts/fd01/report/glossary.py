"""The glossary, docs/reference/glossary.md, as the report shows it: one file for the docs and for the report."""

import re
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Entry:
    """A term of the glossary.

    Attributes
    ----------
    term : str
    anchor : str
        Its id on the page, `glossary-{term}` in small letters with hyphens.
    html : str
        What it means, as HTML.
    """

    term: str
    anchor: str
    html: str


def anchor(term):
    """The id of a term on the page.

    >>> anchor("Holm's correction")
    'glossary-holms-correction'
    """
    return "glossary-" + re.sub(r"[^a-z0-9]+", "-", term.lower().replace("'", "")).strip("-")


def read_glossary(text):
    """The entries of a glossary in Markdown, one `###` heading each, in their order.

    Understood are paragraphs, lists, code and links; a link to another term leads to its place on the page, a link to
    another file becomes text.
    """
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return [Entry(term, anchor(term), _html(body.strip())) for term, body in zip(parts[::2], parts[1::2])]


def _html(body):
    blocks = []
    for paragraph in re.split(r"\n\s*\n", body):
        if paragraph.startswith("- "):
            items = re.split(r"^- ", paragraph, flags=re.MULTILINE)[1:]
            blocks.append("<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>")
        else:
            blocks.append(f"<p>{_inline(paragraph)}</p>")
    return "".join(blocks)


def _inline(text):
    text = escape(" ".join(text.split()), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*?([^*]+)\*\*?", r"<em>\1</em>", text)
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", _link, text)


def _link(match):
    text, target = match.groups()
    file, _, heading = target.partition("#")
    return text if file else f'<a href="#{anchor(heading)}">{text}</a>'
