"""Lines of JSON that only grow, whatever a kill or a power cut makes of their file."""

from __future__ import annotations

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from safebasin.resume.lines import append_line, read_lines, write_lines

from ...draws import few
from .test_kept import Notes

LINES = [{"place": number, "text": f"said\n\u2028 é {number}"} for number in range(5)]


def test_lines_come_back_as_they_were(tmp_path):
    write_lines(tmp_path / "a" / "lines", LINES[:2])
    for line in LINES[2:]:
        append_line(tmp_path / "a" / "lines", line)

    assert read_lines(tmp_path / "a" / "lines") == LINES
    assert read_lines(tmp_path / "none") == []


@few(80, unchecked=[HealthCheck.function_scoped_fixture])
@given(
    begin=st.floats(0, 1), length=st.integers(0, 60), put=st.binary(max_size=40), grow=st.booleans()
)
def test_no_torn_line_is_ever_read_and_the_file_grows_on(tmp_path, begin, length, put, grow):
    path = tmp_path / "lines"
    write_lines(path, LINES)
    whole = path.read_bytes()
    place = int(begin * len(whole))
    path.write_bytes(whole[:place] + put + whole[place + length :])
    notes = Notes()

    left = read_lines(path, notes)

    assert all(line in LINES for line in left)
    assert len(notes.told) <= 1
    if grow:
        append_line(path, {"more": 1})
        assert read_lines(path, notes) == [*left, {"more": 1}]
    assert len(notes.told) <= 1
