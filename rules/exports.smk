# In: the report and all results. Out: report/first-page.pdf, the first page of the report on paper; and
# ro-crate-metadata.json, which makes a research object (RO-Crate) of the results, with a copy of the workflow in workflow/.


rule pdf:
    input:
        report=f"results/{config['dataset']}/report/index.html",
    output:
        f"results/{config['dataset']}/report/first-page.pdf",
    log:
        f"results/{config['dataset']}/logs/pdf.log",
    localrule: True
    conda:
        "../envs/exports.yaml"
    params:
        code=code_of("scripts/pdf.py"),
    script:
        "../scripts/pdf.py"


rule crate:
    input:
        report=f"results/{config['dataset']}/report/index.html",
        provenance=f"results/{config['dataset']}/provenance.json",
    output:
        metadata=f"results/{config['dataset']}/ro-crate-metadata.json",
        workflow=directory(f"results/{config['dataset']}/workflow"),
    log:
        f"results/{config['dataset']}/logs/crate.log",
    localrule: True
    conda:
        "../envs/exports.yaml"
    params:
        code=code_of("scripts/crate.py"),
        dataset=config["dataset"],
    script:
        "../scripts/crate.py"
