"""Properties of tables: what is written is what is read."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.manifest.tables.cells import header_name, trimmed
from orchestrator.manifest.tables.csv_files import SEPARATORS, csv_table
from orchestrator.manifest.tables.globs import patterns

CELLS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00\r"), max_size=12)
NAMES = st.lists(st.text("abcXYZÄß._-", min_size=1, max_size=6), min_size=2, max_size=4, unique=True)


@st.composite
def tables(draw):
    header = draw(NAMES)
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=5))
    return header, rows


@settings(max_examples=150, deadline=None)
@given(
    tables(),
    st.sampled_from(sorted(SEPARATORS)),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_table_that_is_written_reads_back_equal(table, delimiter, quoting, end, mark):
    header, rows = table
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([header, *rows])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(("\ufeff" * mark + buffer.getvalue()).encode())
        read = csv_table(path, delimiter)
        found = [list(row.values.values()) for row in read.rows()]
        assert read.columns == tuple(header)
        expected = [[trimmed(cell) for cell in row] for row in rows]
        assert found == [row for row in expected if any(row)]
        assert read.count() + len(read.blank) == len(rows)


@given(CELLS)
def test_trimming_twice_is_trimming_once_and_leaves_clean_text_alone(text):
    once = trimmed(text)
    assert trimmed(once) == once
    if text == text.strip() and text.isprintable() and not set(text) & set("\u200c\u200d"):
        assert once == text
    assert header_name(header_name(text)) == header_name(text)


@given(st.text("abc*?[].{},/", max_size=12))
def test_patterns_of_a_pattern_are_few_and_an_ending_fits_in_any_case(text):
    found = patterns(text)
    assert 1 <= len(found) <= 64
    assert patterns("*.{jpg,PnG}") == ["*.[jJ][pP][gG]", "*.[pP][nN][gG]"]
