# For the rules in audit.smk, summary.smk and report.smk: the predictions that the audit compares, and its table.

AUDIT = workflow.modifier.modify_rulename("audit")  # a caller that uses this as a module gives it another name


def audited_predictions(suffix=""):
    """Input function: the predictions that a model makes here, on the dataset with `suffix` after its name.

    Forecasts that were made elsewhere would be the same on the scrambled prices, so that comparing them shows nothing.
    """

    def files(wildcards):
        return expand(
            "results/{dataset}/predictions/{experiment}",
            dataset=wildcards.dataset + suffix,
            experiment=[name for name in made_here(wildcards.dataset) if name not in experiments_of(EXTERNAL)],
        )

    return files


def predictions_made_elsewhere(wildcards):
    """Input function: predictions of the `external` experiments that run on a dataset; the audit names them."""
    return expand(
        "results/{dataset}/predictions/{experiment}",
        dataset=wildcards.dataset,
        experiment=[name for name in running(wildcards.dataset) if name in experiments_of(EXTERNAL)],
    )


def audit_table(wildcards):
    """Input function: the table of the audit if one is asked for or exists, else nothing.

    An audit takes as long as the run itself, so the report does not ask for one.
    """
    table = f"results/{wildcards.dataset}/metrics/audit.csv"
    if AUDIT in workflow.dag_settings.targets:
        return table
    # No rule makes a file with an absolute path, so Snakemake takes an old table as it is and does not make it again.
    return str(Path(table).resolve()) if Path(table).exists() else []
