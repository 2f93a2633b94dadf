"""One attempt on its way: prepared, submitted, polled, fetched."""
