"""The stand-in's account: tasks and their fates, money, limits."""
