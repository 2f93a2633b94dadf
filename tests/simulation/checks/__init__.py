"""The invariants, checked from outside, one file for each subject. Nothing here calls the code under test."""
