# In: the report, and what it was made of. Out: results/{dataset}/report/series/, the page of the series that the command
# line names. Its file has the name of the series, which a rule cannot know: `005930` arrives as a number.


rule series:
    input:
        **REPORT_SOURCES,
        sections=ONE_SERIES_SOURCES,
        report=f"results/{config['dataset']}/report/index.html",
        summary=f"results/{config['dataset']}/summary.json",
        description=f"results/{config['dataset']}/data/dataset.json",
        outcomes=f"results/{config['dataset']}/data/outcomes.parquet",
        metrics=f"results/{config['dataset']}/metrics/metrics.csv",
        experiments=f"results/{config['dataset']}/metrics/experiments.csv",
        comparisons=f"results/{config['dataset']}/metrics/comparisons.csv",
        intervals=f"results/{config['dataset']}/metrics/intervals.csv",
        series=f"results/{config['dataset']}/metrics/series.csv",
        predictions=predictions_on(config["dataset"]),
    log:
        f"results/{config['dataset']}/logs/series.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        code=code_of("scripts/series.py"),
        asked=ASKED_SERIES,
        dataset=config["dataset"],
        target=config["targets"][0],
        alpha=config["statistics"]["alpha"],
        reference=config["datasets"][config["dataset"]]["reference"],
        primary=config["decision"]["primary"],
        names=names_of(config["experiments"]),
    script:
        "../scripts/series.py"
