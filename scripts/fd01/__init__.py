"""Code that the scripts of FD-01 share. It imports in every environment of the workflow."""
