"""Real processes, killed with SIGKILL at named points and at random times, then judged from outside."""
