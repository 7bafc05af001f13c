# In: predictions, outcomes, metrics, verdict. Out: logs/explore.ipynb, a notebook with a first look at the results, and
# the figure that it draws.


rule explore:
    input:
        predictions=predictions_on(config["dataset"]),
        outcomes=f"results/{config['dataset']}/data/outcomes.parquet",
        metrics=f"results/{config['dataset']}/metrics/metrics.csv",
        verdict=f"results/{config['dataset']}/verdict.json",
    output:
        svg=f"results/{config['dataset']}/explore/agreement.svg",
        csv=f"results/{config['dataset']}/explore/agreement.csv",
    log:
        notebook=f"results/{config['dataset']}/logs/explore.ipynb",
    conda:
        "../envs/notebook.yaml"
    params:
        code=code_of("notebooks/explore.py.ipynb"),
    notebook:
        "../notebooks/explore.py.ipynb"
