"""From the SVG that matplotlib writes to a short one that a page can show: its numbers, its names, its elements."""

import re
from collections import Counter
from xml.etree import ElementTree

# What a reader sees at the pointer: the `gid` of an artist that begins so, which becomes the attribute `data-value`.
VALUE = "value: "

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
# Other fonts are narrower than the one that the figures are measured with, DejaVu Sans.
_FONTS = "DejaVu Sans, Verdana, sans-serif"
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
_ROUNDED = ("x", "y", "width", "height", "transform", "stroke-width", "stroke-dasharray", "stroke-dashoffset")


def short(svg, title, description):
    """The short form of a figure that matplotlib drew.

    Coordinates have one decimal; only what is referred to has an id; equal definitions stand once.

    Parameters
    ----------
    svg : str
        What matplotlib's backend wrote.
    title, description : str
        What the figure shows, for those who cannot see it.

    Returns
    -------
    str
    """
    source = ElementTree.fromstring(svg)
    definitions = {}
    drawn = list(_drawn(source, definitions))
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": _SVG,
            "viewBox": _rounded(source.get("viewBox")),
            "width": source.get("width"),
            "role": "img",
            "aria-labelledby": "title description",
            "font-family": _FONTS,
            "stroke-linejoin": "round",
        },
    )
    ElementTree.SubElement(root, "title", {"id": "title"}).text = title
    ElementTree.SubElement(root, "desc", {"id": "description"}).text = description
    names, known, defs = {}, {}, ElementTree.Element("defs")
    for old, element in definitions.items():
        _shorten(element, {})
        content = ElementTree.tostring(element)
        if content not in known:
            known[content] = f"d{len(known)}"
            element.set("id", known[content])
            defs.append(element)
        names[old] = known[content]
    root.extend([defs] if len(defs) else [])
    for element in drawn:
        _shorten(element, names)
        if len(root) and _joined(root[-1], element):
            root[-1].set("d", f"{root[-1].get('d')} {element.get('d')}")
        else:
            root.append(element)
    _inherit(root, "font-size")
    _inherit(root, "fill")
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        if element.tag not in ("title", "desc", "text"):
            element.text = None
        element.tail = "\n" if element.tag in ("path", "text", "g") else None
    return ElementTree.tostring(root, encoding="unicode")


def with_prefix(svg, prefix):
    """The text `svg`, of `short`, with `prefix` before every id, so that several figures can stand in one page."""
    svg = re.sub(r'\b(id="|href="#)', rf"\g<1>{prefix}", svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    return svg.replace('aria-labelledby="title description"', f'aria-labelledby="{prefix}title {prefix}description"')


def _drawn(element, definitions):
    """The elements that are drawn, in order; groups without a meaning dissolve. Adds to `definitions`, by id."""
    for child in element:
        tag = child.tag.removeprefix(f"{{{_SVG}}}")
        if tag == "defs":
            definitions |= {one.get("id"): one for one in child if one.get("id")}
        elif tag == "g" and child.get("id", "").startswith(VALUE):
            child.set("data-value", child.get("id").removeprefix(VALUE))
            child[:] = list(_drawn(child, definitions))
            yield child
        elif tag == "g" and "clip-path" in child.attrib:
            child[:] = list(_drawn(child, definitions))
            yield child
        elif tag == "g":
            yield from _drawn(child, definitions)
        elif tag in ("path", "text", "use"):
            yield child


def _shorten(top, names):
    """Round and rename in an element and everything in it; `names` are the new ids by the old ones."""
    for element in top.iter():
        element.attrib.pop("id", None)
        for pair in element.attrib.pop("style", "").split(";"):
            name, _, value = (part.strip() for part in pair.partition(":"))
            if name and name not in ("stroke-linecap", "stroke-linejoin", "font-family") and value != "start":
                element.set(name, value.removesuffix("px"))
        if "d" in element.attrib:
            element.set("d", _short_path(element.get("d")))
        for name in _ROUNDED:
            if name in element.attrib:
                element.set(name, _rounded(element.get(name)))
        if element.get("transform", "").startswith("rotate(0 "):
            element.attrib.pop("transform")
        if "clip-path" in element.attrib:
            element.set("clip-path", f"url(#{names[element.get('clip-path')[5:-1]]})")
        if _HREF in element.attrib:
            element.set("href", f"#{names[element.attrib.pop(_HREF)[1:]]}")


def _joined(one, other):
    """Whether two elements are opaque paths of one look, so that a single path can draw both."""
    look, same = ({key: value for key, value in each.attrib.items() if key != "d"} for each in (one, other))
    return one.tag == other.tag == f"{{{_SVG}}}path" and look == same and not any("opacity" in name for name in look)


def _inherit(root, attribute):
    """Say an attribute that texts share once, on the root: everything else that is filled says so itself."""
    texts = [element for element in root.iter(f"{{{_SVG}}}text") if attribute in element.attrib]
    if texts:
        common = Counter(element.get(attribute) for element in texts).most_common(1)[0][0]
        root.set(attribute, common)
        for element in texts:
            if element.get(attribute) == common:
                element.attrib.pop(attribute)


def _rounded(text):
    """`text` with its numbers rounded to one decimal."""
    return _NUMBER.sub(lambda found: f"{round(float(found[0]), 1) + 0.0:g}", text)


def _short_path(data):
    """The data of a path with one decimal, without the points that lie on the line between their neighbours."""
    parts = []
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", data):
        values = [round(float(number), 1) + 0.0 for number in _NUMBER.findall(numbers)]
        if command == "L" and len(parts) > 1 and parts[-1][0] == "L":
            before, last = parts[-2][1][-2:], parts[-1][1]
            (a, b), (c, d) = ((q[0] - p[0], q[1] - p[1]) for p, q in ((before, last), (last, values)))
            if abs(a * d - b * c) < 1e-6 and a * c + b * d >= 0:
                parts.pop()
        parts.append((command, values))
    words, previous = [], None
    for index, (command, values) in enumerate(parts):
        last = parts[index - 1][1][-2:]
        if command == "L" and values[1] == last[1]:
            command, values = "H", values[:1]
        elif command == "L" and values[0] == last[0]:
            command, values = "V", values[1:]
        words.append(("" if command == previous else command) + " ".join(f"{value:g}" for value in values))
        previous = command
    return " ".join(words)
