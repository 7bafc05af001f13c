# For the rules in summary.smk: what the study asks.


def asked_of(wildcards):
    """Params function: what the configuration asks of a dataset, as `fd01.report.facts.Study` takes it."""
    sections = {section: config[section] for section in ("experiments", "statistics", "labels")}
    return sections | {
        "decision": decision_on(wildcards),
        "target": config["targets"][0],
        "titles": {name: entry["title"] for name, entry in config["datasets"].items()},
        "cut_off": cut_off(config),
    }
