"""What stops buying: drifted prices, pauses of the account, a restored database."""
