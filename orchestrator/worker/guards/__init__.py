"""What stops buying: prices, troubles of the account, a restored database."""
