"""Everything that is read to be shown: by the command line, the gallery and reports. Nothing here writes or
decides.

Names are imported from the module that owns them: `status` must answer at once, and does not need what shows
one job.
"""
