# In: prices and predictions. Out: metrics/audit.csv, which says whether anything that is known by one day changes when
# the prices after that day are replaced; `snakemake audit` prints it.


include: "functions/audit.smk"


rule scramble_prices:
    input:
        unpack(prices),
        origins="results/{dataset}/data/origins.parquet",
    output:
        f"results/{{dataset}}{SCRAMBLED}/data/prices.parquet",
    log:
        f"results/{{dataset}}{SCRAMBLED}/logs/scramble_prices.log",
    benchmark:
        f"results/{{dataset}}{SCRAMBLED}/benchmarks/scramble_prices.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/scramble_prices.py"),
        reading=reading,
        checks=checks,
        content=content_of(prices),
    script:
        "../scripts/scramble_prices.py"


rule audit_predictions:
    input:
        predictions=audited_predictions(),
        made_elsewhere=predictions_made_elsewhere,
        dataset="results/{dataset}/data/dataset.parquet",
        origins="results/{dataset}/data/origins.parquet",
        scrambled_predictions=audited_predictions(SCRAMBLED),
        scrambled_dataset=f"results/{{dataset}}{SCRAMBLED}/data/dataset.parquet",
        scrambled_origins=f"results/{{dataset}}{SCRAMBLED}/data/origins.parquet",
    output:
        report(
            "results/{dataset}/metrics/audit.csv",
            category="Checks",
            labels={"what": "does anything look ahead", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/audit.rst",
        ),
    log:
        "results/{dataset}/logs/audit_predictions.log",
    benchmark:
        "results/{dataset}/benchmarks/audit_predictions.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/audit_predictions.py"),
        folds=of_dataset("folds"),
        labels=config["labels"],
        origins=config["origins"],
        targets=config["targets"],
    script:
        "../scripts/audit_predictions.py"


rule audit:
    input:
        table=f"results/{config['dataset']}/metrics/audit.csv",
        report=f"results/{config['dataset']}/report/index.html",
    log:
        f"results/{config['dataset']}/logs/audit.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/audit.py"),
    script:
        "../scripts/audit.py"
