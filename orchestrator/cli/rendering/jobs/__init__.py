"""Jobs, tries and doubts in words and documents."""
