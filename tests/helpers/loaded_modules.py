"""What the jobs of the studies note about the modules of the shared package that they load."""

from pathlib import Path

from fd01.workflow.code import modules_of
from fd01.workflow.files import read_json
from helpers.rules import script_of

# The files of tests/full, and the rules that run in the studies of each.
RULES_RUN_BY = {
    "test_study.py": """
        build_dataset build_origins calibrate_scores check_alignment check_predictions collect_provenance
        compare_experiments compare_losses crate decide download_prices encode_timesfm evaluate explain_scores
        fetch_weights finetune_timesfm fit_probe forecast_timesfm gather_seeds measure_labels pdf plot_answer
        plot_auc plot_scores plot_series record_trials render_report reproduce_published run_baseline score_forecasts
        seal_outcomes
        show simulate_protocol slice_contamination summarise train_patchtst verify_weights weights
    """,
    "test_several_series.py": "gather_forecasts gather_predictions series split_dataset split_origins",
    "test_audit_of_a_study.py": "audit audit_predictions scramble_prices",
    "test_known_truth.py": "measure_truth plot_walk_forward simulate_prices",
    "test_lag_llama_and_fracast.py": """
        forecast_fracast recompute_published run_lag_llama score_lag_llama train_lag_llama
    """,
    "test_seal_of_a_study.py": "date_study_forecasts digests recompute_published score_external",
    "test_notebooks.py": "explore export_predictions import_predictions unpack_predictions",
}


def assert_tracked(folder, test_file):
    """The notes in `folder` are from every rule of a file of tests/full, and no job loaded what its rule overlooks."""
    notes = [read_json(path) for path in folder.glob("*.json")]
    assert set(RULES_RUN_BY[Path(test_file).name].split()) <= {note["rule"] for note in notes}
    overlooked = {note["rule"]: set(note["loaded"]) - set(modules_of(script_of(note["rule"]))) for note in notes}
    assert not any(overlooked.values()), overlooked
    assert all(note["loaded"] for note in notes)
