"""Known models: where their files are, what is known of them, and fetching them."""
