"""What is done with the pixels of pictures on this machine, for nothing: recipes, checks, embedded words."""
