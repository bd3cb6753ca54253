"""The verb `visualise`: an HTML album of a cascade's features on the mean face, with rates."""
