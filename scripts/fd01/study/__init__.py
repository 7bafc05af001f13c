"""What config.yaml says: its checks, folds, systems, and the seal of the analysis plan."""
