"""What config.yaml says: its checks, the folds, the table of systems, and the seal of the analysis plan."""
