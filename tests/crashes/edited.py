"""Work in which pictures get the names of earlier ones."""

from crashes.stage import HEAD, Scenario

_EDITED = """\
run: {run}
budget: 0.50
matrix: {{scene: [red, green, blue]}}
params: {{prompt: "{wording} {{{{ scene }}}}", images: [https://in.example/a.png]}}
output: "{{{{ scene }}}}.{{{{ ext }}}}"
"""
EDITED = Scenario(
    "edited",
    HEAD.format(name="edited") + _EDITED.format(run="first", wording="dull"),
    again=HEAD.format(name="edited") + _EDITED.format(run="second", wording="bright"),
    cap_micros=1_000_000,
    exit_code=0,
    succeeded=6,
)
"""Pictures of one wording, and of another one that gets their names."""
