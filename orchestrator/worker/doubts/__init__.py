"""Lost replies: what webhooks report, what the provider shows, what follows."""
