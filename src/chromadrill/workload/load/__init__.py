"""Load with honest numbers: what arrives when, what is asked, and what the answers were worth.

Pure, or plain I/O; locust is wired in `loadtests/`.
"""
