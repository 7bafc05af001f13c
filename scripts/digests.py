"""Print the digest of the analysis plan for every dataset, and whether the configuration lists it."""

from fd01.workflow.logs import configure_logging

if __name__ == "__main__":
    configure_logging(snakemake)
    for dataset, digest in snakemake.params.digests.items():
        print(f"{dataset}: {digest} ({'in' if digest in snakemake.params.fixed else 'not in'} plan/sha256)")
