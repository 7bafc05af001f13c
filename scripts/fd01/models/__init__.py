"""The models: their weights, their training, and the forecasts or scores that they give."""
