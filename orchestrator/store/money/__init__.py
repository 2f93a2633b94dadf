"""The ledger, caps, and the provider's bill."""
