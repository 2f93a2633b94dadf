"""Through the jobs of manifests, chunk by chunk, beside what runs, folders and hosts hold of them."""
