"""What is done with the pixels of pictures on this machine: small ones for pages, recipes, checks."""
