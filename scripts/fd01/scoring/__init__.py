"""From forecasts to prediction files: one score per origin, target and seed."""
