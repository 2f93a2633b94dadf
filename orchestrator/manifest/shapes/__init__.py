"""Which keys a manifest has, and what each may hold."""
