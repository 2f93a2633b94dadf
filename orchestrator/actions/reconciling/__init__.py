"""Our books held against the provider's list, bill and balance."""
