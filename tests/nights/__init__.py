"""A month of virtual nights: schedules in three zones, two workers that crash and sleep, edits, caps; judged
from outside.
"""
