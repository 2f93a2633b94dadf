"""Small pictures for pages: made once of each content, and kept under its digest."""
