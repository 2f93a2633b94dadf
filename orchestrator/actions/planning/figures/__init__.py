"""What a plan says: jobs, money, time, what fits under the caps, what an edit changed."""
