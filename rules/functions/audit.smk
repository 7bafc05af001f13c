# Of the rules in audit.smk: the predictions that are compared.

AUDIT = workflow.modifier.modify_rulename("audit")  # a caller that uses this as a module gives it another name


def audited_predictions(suffix=""):
    """Input function: predictions that were made here, on a dataset or on the one named with `suffix`."""

    def files(wildcards):
        return expand(
            "results/{dataset}/predictions/{experiment}",
            dataset=wildcards.dataset + suffix,
            experiment=made_here(wildcards.dataset),
        )

    return files


def audit_table(wildcards):
    """The audit's table, where an audit is asked for or was made; none otherwise, as it takes as long as the run."""
    table = f"results/{wildcards.dataset}/metrics/audit.csv"
    if AUDIT in workflow.dag_settings.targets:
        return table
    # By its absolute name Snakemake knows of no job that makes it: an old table is shown, and not made anew.
    return str(Path(table).resolve()) if Path(table).exists() else []
