"""Everything that is read to be shown: by the command line, pages and reports. Nothing here writes or
decides.

Each name is imported from the module that owns it, because `status` must answer at once and does not need the
modules that show one job.
"""
