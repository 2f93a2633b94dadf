"""One attempt on its way: claimed, prepared, submitted, polled, fetched."""
