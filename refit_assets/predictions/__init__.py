"""Scores of new days: made by the jar that serves, kept in a table of their own."""
