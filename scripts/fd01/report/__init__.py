"""What readers see: figures and the report."""
