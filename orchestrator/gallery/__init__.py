"""The contact sheet: one HTML file that needs no server and no network."""

from orchestrator.gallery.sheet import THUMBNAILS_MAX, Page, write_gallery

__all__ = ["THUMBNAILS_MAX", "Page", "write_gallery"]
