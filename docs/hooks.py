"""What MkDocs does to a page before it renders it."""

import posixpath
import re

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)[^)]*\)")


def on_page_markdown(markdown, page, config, files):
    """Keep the text alone of links to files outside docs/, which the site does not hold."""
    folder = posixpath.dirname(page.file.src_uri)

    def outside(target):
        return posixpath.normpath(posixpath.join(folder, target)).startswith("..")

    return LINK.sub(lambda link: link[1] if outside(link[2]) else link[0], markdown)
