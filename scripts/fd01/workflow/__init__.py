"""What every job needs: errors, files, logs, a check of its environment, and the provenance of its results."""
