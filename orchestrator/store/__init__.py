"""All SQL, in rooms on floors. Every write names the state that it expects to find."""
