"""Big models from a hub or a folder, through transformers; imported only where the settings ask for them."""
