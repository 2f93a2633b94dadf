"""Pure values and decisions: states, money, evidence, retries, polling. Imports the standard library only."""
