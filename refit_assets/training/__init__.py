"""From a pinned training set to trials and a candidate: everything that H2O is asked for."""
