"""What is served: the ledger of releases, provenance, publishing into a Maven repository."""
