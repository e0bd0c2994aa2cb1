"""The asset graph: keys, dependencies, checks, sensors; a thin layer over the stages."""
