"""The claim: which jobs are taken, and how they become attempts."""
