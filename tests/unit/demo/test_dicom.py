"""Synthetic studies, written and read."""

import pytest

from jobindex.demo.dicom import make_study, read_tags


def test_a_study_is_the_same_each_time_and_its_files_are_as_long() -> None:
    files = make_study("SAME", 12, 1000)
    assert files == make_study("SAME", 12, 1000)
    assert len(set(files)) == 12
    assert len({len(file) for file in files}) == 1
    assert read_tags(files[0])["PatientID"] == "SAME"


@pytest.mark.parametrize("file", [b"", b"junk", make_study("CUT", 1, 64)[0][:200]])
def test_what_is_no_dicom_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match=r"no DICOM|cut off|without"):
        read_tags(file)
