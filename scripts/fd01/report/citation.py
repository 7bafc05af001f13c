"""How to cite the project, from CITATION.cff."""


def bibtex(citation):
    """A BibTeX entry; `citation` is the content of CITATION.cff.

    >>> print(bibtex({"title": "A study", "authors": [{"name": "We"}], "date-released": "2026-01-02",
    ...               "version": "1.0", "license": "MIT"}))
    @software{fd01,
      title = {{A study}},
      author = {{We}},
      year = {2026},
      version = {1.0},
      license = {MIT}
    }
    """
    fields = {
        "title": f"{{{citation['title']}}}",
        "author": " and ".join(map(_author, citation["authors"])),
        "year": str(citation["date-released"])[:4],
        "version": str(citation["version"]),
        "license": citation["license"],
    }
    fields |= {key: citation[name] for key, name in (("url", "repository-code"), ("doi", "doi")) if name in citation}
    return "@software{fd01,\n" + ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items()) + "\n}"


def _author(author):
    """A person as "family, given", an organisation in braces, which keep its name whole."""
    return f"{{{author['name']}}}" if "name" in author else f"{author['family-names']}, {author['given-names']}"


def in_words(citation):
    """The citation as one line of text.

    >>> in_words({"title": "A study", "authors": [{"name": "We"}], "date-released": "2026-01-02", "version": "1.0"})
    'We (2026). A study. Version 1.0.'
    """
    names = [
        author.get("name") or f"{author['given-names']} {author['family-names']}" for author in citation["authors"]
    ]
    year, title = str(citation["date-released"])[:4], citation["title"]
    stop = "" if title[-1] in ".?!" else "."
    return f"{', '.join(names)} ({year}). {title}{stop} Version {citation['version']}."
