"""A function of texts: vectors of 8 numbers that every run makes the same."""

import hashlib

import numpy as np

DIMENSION = 8


def embed(texts):
    return np.stack([_vector(text) for text in texts])


def other(texts):
    return np.stack([_vector(text + "!") for text in texts])


def _vector(text):
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
