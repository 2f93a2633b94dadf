"""Money to be shown: the ledger, a month, what is foretold."""
