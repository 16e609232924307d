"""What `dist/auditor.pyz` has instead of libraries written in C, so that Python alone suffices.

Under their names they stand in for msgspec and PyNaCl, as far as the auditor uses those: it decodes,
encodes and verifies by the same code with either. Nothing here holds a secret, and nothing is fast.
Tests hold each against what it stands in for (`tests/auditor/test_standins.py`).
"""
