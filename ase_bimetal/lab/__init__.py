"""The laboratory: labels, training, and the pages that compare with the published results.

It may import everything that a user runs; nothing that a user runs may import it.
"""
