"""Lost replies: what webhooks report, what the provider shows, and what is concluded from both."""
