"""From prices to origins: the dataset, its indicators and features, the targets, and the days of each fold."""
