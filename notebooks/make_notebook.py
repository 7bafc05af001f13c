"""Write the notebook timesfm_colab.ipynb from its source, timesfm_colab.py, in which `# %%` begins a cell."""

import re
from pathlib import Path

import nbformat

SOURCE = Path(__file__).with_name("timesfm_colab.py")


def cells(text):
    """Yield the cells of a source file; everything before the first `# %%` is left out."""
    for number, part in enumerate(re.split(r"^# %%", text, flags=re.MULTILINE)[1:]):
        head, _, body = part.partition("\n")
        kind, body = head.strip(" []"), body.strip("\n")
        name = f"cell-{number}"
        if kind == "markdown":
            yield nbformat.v4.new_markdown_cell(re.sub("^# ?", "", body, flags=re.MULTILINE), id=name)
        else:
            yield nbformat.v4.new_code_cell(body, id=name, metadata={"tags": [kind]} if kind else {})


def notebook(text):
    """The notebook as text, without outputs; equal sources give equal notebooks."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"accelerator": "GPU", "kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=list(cells(text)), metadata=metadata)) + "\n"


if __name__ == "__main__":
    SOURCE.with_suffix(".ipynb").write_text(notebook(SOURCE.read_text()))
