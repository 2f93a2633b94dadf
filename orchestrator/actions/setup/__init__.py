"""What a new folder needs, and whether this machine is fit to work."""
