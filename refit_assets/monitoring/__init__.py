"""What is watched by day: drift of inputs and scores, and the live metric once labels are there."""
