"""How metrics and figures are worded wherever a person reads them: gates, reports, the UI."""

from refit_assets.spec import HIGHER_IS_BETTER, Metric

METRIC_NAMES: dict[Metric, str] = {
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ks": "KS",
    "calibration_error": "calibration error",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}

METRIC_MEANINGS: dict[Metric, str] = {
    "auc": "chance that a positive row is scored above a negative one",
    "pr_auc": "average precision over all recalls; a coin has the share of positives",
    "log_loss": "mean surprise at the outcome",
    "brier": "mean squared distance of probability and outcome",
    "ks": "largest distance of the scores' distributions of both labels",
    "calibration_error": "mean distance of probability and observed share, over ten bins",
    "rmse": "root of the mean squared error, in units of the target",
    "mae": "mean absolute error, in units of the target",
    "r2": "share of the target's variance that is explained",
}


def metric_name(metric: Metric) -> str:
    """Name of a metric inside a sentence."""
    return METRIC_NAMES[metric]


def format_number(value: float | None, digits: int = 4) -> str:
    """Render with so many significant digits, no exponent, and grouped thousands."""
    if value is None:
        return "\u2013"
    if value == 0:
        return "0"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    decimals = max(digits - whole, 0) if whole else digits
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.") else f"{value:.1g}"


def format_share(value: float | None, decimals: int = 1) -> str:
    """Render a share in percent; a narrow no-break space keeps number and sign together."""
    return "\u2013" if value is None else f"{value * 100:.{decimals}f}\u202f%"


def direction(metric: Metric) -> str:
    """Say which way is better."""
    return "higher is better" if metric in HIGHER_IS_BETTER else "lower is better"
