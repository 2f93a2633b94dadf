"""The plug is pulled: disks are rebuilt from the writes and syncs of a traced worker, and looked at."""
