"""Questions to the tables of data-set runs: what holds over many utterances, with its interval.

Every function is pure: an opened `Run` and the rows of some of its utterances in, a small result
out. Nothing here draws, and nothing loops over utterances in Python.
"""
