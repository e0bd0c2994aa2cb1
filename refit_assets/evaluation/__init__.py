"""What a refit is worth: holdout, metrics with intervals, comparison, verdict, reports."""
