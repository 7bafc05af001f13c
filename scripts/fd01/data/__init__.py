"""From prices to origins: the dataset, its features, the targets, and the days of each fold."""
