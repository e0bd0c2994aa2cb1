"""What an asset asks for: one engine each for Spark, H2O and Maven, and where things lie."""
