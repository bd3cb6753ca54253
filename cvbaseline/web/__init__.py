"""Pages that run in the user's own browser, served on this computer only."""
