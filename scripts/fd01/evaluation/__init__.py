"""From prediction files to measures, comparisons, checks and the verdict."""
