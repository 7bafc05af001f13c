"""Print the table of the leakage audit, and fail if a check has failed."""

import pandas as pd

from fd01.workflow.errors import UserError
from fd01.workflow.logs import configure_logging

SIGNS = {"True": "ok", "False": "LEAK"}


def failed_checks(table):
    """Names of the checks that failed; a check whose `ok` is empty neither passes nor fails."""
    return table.loc[table["ok"].astype(str) == "False", "check"].to_list()


def as_text(table):
    """The table as text for a terminal, one line per check."""
    width = table["check"].str.len().max()
    lines = (
        f"{SIGNS.get(str(row['ok']), '-'):<5} {row['check']:<{width}} {row['compared']:>9,}  {row['detail']}"
        + (f" (first on {row['first_difference']})" if isinstance(row["first_difference"], str) else "")
        for row in table.to_dict("records")
    )
    return "\n".join(lines)


if __name__ == "__main__":
    configure_logging(snakemake)
    table = pd.read_csv(snakemake.input.table)
    print(f"\n{as_text(table)}\n\nReport: {snakemake.input.report}\n")
    if failed := failed_checks(table):
        raise UserError(f"the audit failed for {', '.join(failed)}: see {snakemake.input.table}")
