"""When a schedule's ticks are: cron expressions in time zones, over changes of the clock."""
