"""From a MOJO to a tested Java library: the scoring jar."""
