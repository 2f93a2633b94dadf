"""What all workers of the account share: rate limits, pauses, workers, uploads, latencies."""
