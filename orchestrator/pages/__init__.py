"""Pages of pictures by product: the matrix, the static report, the views of the review. One set of
templates.
"""
