"""What `make bench` runs: a bare script and the pipeline, alternately, on the same landed days."""
