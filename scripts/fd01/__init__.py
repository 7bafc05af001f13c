"""The code that the scripts share. It imports in every environment of the workflow.

Its rooms, in the order in which the data pass through them; a room imports from those above it alone:
workflow, study, data, models, scoring, evaluation, report.
"""
