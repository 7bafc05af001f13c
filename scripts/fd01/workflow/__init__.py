"""What every job needs: errors, files, logs, its environment, the origin of its results."""
