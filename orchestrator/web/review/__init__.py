"""The review: pages of pictures for people on this machine, and the forms that judge and redo them."""
