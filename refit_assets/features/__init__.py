"""Landing to feature table: contract, reading and refusing raw files, the table, its digests."""
