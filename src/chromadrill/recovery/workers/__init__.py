"""Embedding by several workers: processes of this machine, or those of a Dask cluster.

A task is some documents of a range of the source's keys. Workers read and embed, the parent checks what
they hand over and is the only one who writes. What is written is the ledger: it is not embedded again.
"""
