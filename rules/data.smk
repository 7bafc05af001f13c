# In: the prices of a dataset. Out: results/{dataset}/data/ with dataset.parquet (prices and indicators),
# origins.parquet (the days of every fold and their targets), and outcomes.parquet (the same without what
# tells the outcome of a sealed day, for all rules that evaluate).


rule download_prices:
    output:
        "results/{dataset}/data/yahoo.parquet",
    log:
        "results/{dataset}/logs/download_prices.log",
    benchmark:
        "results/{dataset}/benchmarks/download_prices.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_from("yahoo")),
    retries: 2
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/download_prices.py"),
        source=of_dataset("source"),
    script:
        "../scripts/download_prices.py"


rule simulate_prices:
    output:
        "results/{dataset}/data/simulated.parquet",
    log:
        "results/{dataset}/logs/simulate_prices.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_prices.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_from("synthetic")),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/simulate_prices.py"),
        source=of_dataset("source"),
    script:
        "../scripts/simulate_prices.py"


rule build_dataset:
    input:
        unpack(prices),
    output:
        dataset="results/{dataset}/data/dataset.parquet",
        about="results/{dataset}/data/dataset.json",
    log:
        "results/{dataset}/logs/build_dataset.log",
    benchmark:
        "results/{dataset}/benchmarks/build_dataset.tsv"
    wildcard_constraints:
        dataset=one_of(WHOLE),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/build_dataset.py"),
        content=content_of(prices),
        title=of_dataset("title"),
        source=of_dataset("source"),
        reading=reading,
        checks=checks,
    script:
        "../scripts/build_dataset.py"


rule build_origins:
    input:
        dataset="results/{dataset}/data/dataset.parquet",
    output:
        "results/{dataset}/data/origins.parquet",
    log:
        "results/{dataset}/logs/build_origins.log",
    benchmark:
        "results/{dataset}/benchmarks/build_origins.tsv"
    wildcard_constraints:
        dataset=one_of(WHOLE),
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/build_origins.py"),
        folds=of_dataset("folds"),
        labels=config["labels"],
        origins=config["origins"],
    script:
        "../scripts/build_origins.py"


rule seal_outcomes:
    input:
        origins="results/{dataset}/data/origins.parquet",
        dataset="results/{dataset}/data/dataset.parquet",
    output:
        "results/{dataset}/data/outcomes.parquet",
    log:
        "results/{dataset}/logs/seal_outcomes.log",
    benchmark:
        "results/{dataset}/benchmarks/seal_outcomes.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/seal_outcomes.py"),
        seal=seal_of,
    script:
        "../scripts/seal_outcomes.py"


rule digests:
    log:
        f"results/{config['dataset']}/logs/digests.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/digests.py"),
        digests=PLAN_DIGESTS,
        fixed=config["plan"]["sha256"],
    script:
        "../scripts/digests.py"
