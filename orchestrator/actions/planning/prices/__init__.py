"""What jobs cost at this moment, asked once for each kind."""
