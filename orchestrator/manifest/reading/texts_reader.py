"""The templates beside the parameters: output paths, stable names and tags, of a manifest or of a stage."""

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.manifest.parameters.names import OUTPUT_NAMES, Names
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path
from orchestrator.yamlio.shapes import Reading

OUTPUT_DEFAULT: Final = "{{ campaign }}/{{ run }}/{{ key }}-{{ index }}.{{ ext }}"
STAGE_OUTPUT_DEFAULT: Final = "{{ campaign }}/{{ run }}/{{ key }}-{{ stage }}-{{ index }}.{{ ext }}"


class TextsReader:
    """Compiles them with their names checked; what is wrong is reported."""

    def __init__(self, names: Names, reading: Reading, *, variations: int, at: Path = ()) -> None:
        """`at` is where they stand: nothing for the manifest itself, else the path of a stage."""
        self._names = names
        self._reading = reading
        self._variations = variations
        self._at = at

    def whole(
        self, fields: Mapping[str, Any], output: str
    ) -> tuple[Template | None, Template | None, dict[str, Template] | None]:
        """Those of `output`, `latest` and `tags`, where `output` stands for absent paths."""
        texts = self.output(fields["output"] or output), self.latest(fields["latest"])
        return *texts, self.tags(fields["tags"])

    def output(self, text: str) -> Template | None:
        """The template of output paths."""
        path = (*self._at, "output")
        template = self._names.template(path, text, OUTPUT_NAMES)
        if template and self._variations > 1 and not template.names & {"variation", "key", "number"}:
            self._reading.wrong(
                path,
                f"{self._variations} variations would share each path: the template has no variation",
                'add "-v{{ variation }}" before the extension',
            )
            return None
        return template

    def latest(self, text: str | None) -> Template | None:
        """The template of stable names."""
        path = (*self._at, "latest")
        template = self._names.template(path, text, OUTPUT_NAMES) if text else None
        unstable = sorted(template.names & {"run", "date", "key", "number"}) if template else []
        if unstable:
            what = f'a stable name cannot have "{unstable[0]}", which another night may have otherwise'
            self._reading.wrong(path, what, "name what tells the rows apart")
        if template and self._variations > 1 and "variation" not in template.names:
            self._reading.wrong(path, "the variations would share each name", 'add "{{ variation }}"')
        return template

    def tags(self, written: Mapping[str, str | None]) -> dict[str, Template] | None:
        """The templates of tags; None when any is not sound."""
        found: dict[str, Template] = {}
        for name, text in written.items():
            path = (*self._at, "tags", name)
            if text is not None and (template := self._names.template(path, text, OUTPUT_NAMES)):
                found[name] = template
        return found if len(found) == len(written) else None
