"""Jobs and their pictures to be shown, listed and found by filters."""
