"""The command line: words in, words out. Each command parses, calls one action, and renders what it
returned.
"""
