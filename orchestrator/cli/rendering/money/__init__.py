"""Money in words and documents: bills, audits, months, forecasts."""
