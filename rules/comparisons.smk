# In: predictions, outcomes, metrics. Out: the tables of paired comparisons, intervals and power, the tests of daily
# losses, and how often the decision rule of the original study would err.


rule compare_experiments:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        comparisons=report(
            "results/{dataset}/metrics/comparisons.csv",
            category="Answer",
            labels={"what": "who is better than whom", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/comparisons.rst",
        ),
        intervals="results/{dataset}/metrics/intervals.csv",
        power=report(
            "results/{dataset}/metrics/power.csv",
            category="Checks",
            labels={"what": "how large a difference could be seen", "days": "all", "dataset": "{dataset}"},
            caption="../report/captions/power.rst",
        ),
        margins="results/{dataset}/metrics/margins.csv",
        twins="results/{dataset}/metrics/twins.csv",
        walk_forward="results/{dataset}/metrics/walk-forward.csv",
        series="results/{dataset}/metrics/series.csv",
        heterogeneity="results/{dataset}/metrics/heterogeneity.csv",
        detectable="results/{dataset}/metrics/detectable-by-number.csv",
    log:
        "results/{dataset}/logs/compare_experiments.log",
    benchmark:
        "results/{dataset}/benchmarks/compare_experiments.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/compare_experiments.py"),
        statistics=config["statistics"],
        reference=of_dataset("reference"),
        primary=config["decision"]["primary"],
        cut_off=cut_off(config),
        target=config["targets"][0],
        systems=systems(),
        twins=twins(),
    script:
        "../scripts/compare_experiments.py"


rule compare_losses:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        experiments="results/{dataset}/metrics/experiments.csv",
    output:
        "results/{dataset}/metrics/losses.csv",
    log:
        "results/{dataset}/logs/compare_losses.log",
    benchmark:
        "results/{dataset}/benchmarks/compare_losses.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/compare_losses.py"),
        statistics=config["statistics"],
        reference=of_dataset("reference"),
        target=config["targets"][0],
    script:
        "../scripts/compare_losses.py"


rule simulate_protocol:
    input:
        predictions=all_predictions,
        outcomes="results/{dataset}/data/outcomes.parquet",
        metrics="results/{dataset}/metrics/metrics.csv",
    output:
        "results/{dataset}/metrics/protocol-errors.csv",
    log:
        "results/{dataset}/logs/simulate_protocol.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_protocol.tsv"
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/simulate_protocol.py"),
        statistics=config["statistics"],
        decision=config["decision"],
        target=config["targets"][0],
        systems=systems(),
    script:
        "../scripts/simulate_protocol.py"
