"""The code that the scripts share. Every module imports in every environment of the workflow.

Its rooms stand in the order in which data pass through them; a room imports only from itself and from earlier ones:
workflow, study, data, models, scoring, evaluation, report.
"""
