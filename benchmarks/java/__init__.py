"""What `make bench-java` runs: the scoring jar beside H2O's own ways to score, by JMH."""
