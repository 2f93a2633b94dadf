"""Templates: sandboxed expressions inside text, and what is wrong with them."""
