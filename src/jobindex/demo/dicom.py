"""Tiny synthetic CT studies as DICOM files, and the few tags that are read back from such files.

Everything is explicit VR little endian (PS3.5, A.2), every identifier is invented from the patient's name.
"""

import hashlib
import math
import struct
from collections.abc import Iterator

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

TAGS = {
    (0x0008, 0x0018): "SOPInstanceUID",
    (0x0008, 0x0020): "StudyDate",
    (0x0008, 0x0060): "Modality",
    (0x0008, 0x1030): "StudyDescription",
    (0x0010, 0x0010): "PatientName",
    (0x0010, 0x0020): "PatientID",
    (0x0020, 0x000D): "StudyInstanceUID",
    (0x0020, 0x000E): "SeriesInstanceUID",
}
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

PREAMBLE = bytes(128) + b"DICM"
LONG_LENGTHS = (b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT")
PIXEL_DATA = (0x7FE0, 0x0010)


def make_study(patient: str, instances: int, size: int, description: str = "Synthetic") -> list[bytes]:
    """Make the files of a study of one series, each with about `size` bytes of pixels; always the same."""
    study = invented_uid(patient)
    return [_file(patient, study, number, size, description) for number in range(1, instances + 1)]


def invented_uid(*parts: object) -> str:
    """Answer a UID below 2.25 (the arc of UUIDs, PS3.5 B.2) that depends on the parts alone; all are as long."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return f"2.25.{10**37 + int.from_bytes(digest, 'big') % 10**37}"


def read_tags(file: bytes) -> dict[str, str]:
    """Read the tags in `TAGS`; ValueError where it is not DICOM or lacks one of the four `IDENTIFIERS`."""
    if file[: len(PREAMBLE)][128:] != b"DICM":
        raise ValueError("no DICOM preamble")
    try:
        found = {TAGS[tag]: _text(value) for tag, value in _elements(file) if tag in TAGS}
    except struct.error as error:
        raise ValueError("cut off within an element") from error
    if missing := [name for name in IDENTIFIERS if name not in found]:
        raise ValueError(f"without {missing[0]}")
    return found


def _elements(file: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Walk the elements in order, and stop at the pixels."""
    at = len(PREAMBLE)
    while at < len(file):
        group, element, kind, length = struct.unpack_from("<HH2sH", file, at)
        at += 8
        if (group, element) == PIXEL_DATA:
            return
        if kind in LONG_LENGTHS:
            (length,) = struct.unpack_from("<I", file, at)
            at += 4
        yield (group, element), file[at : at + length]
        at += length


def _text(value: bytes) -> str:
    return value.decode("latin-1").rstrip(" \0")


def _file(patient: str, study: str, number: int, size: int, description: str) -> bytes:
    instance = invented_uid(patient, number)
    return PREAMBLE + _meta_information(instance) + _image(patient, study, instance, number, size, description)


def _meta_information(instance: str) -> bytes:
    body = (
        _element(0x0002, 0x0001, "OB", b"\0\1")
        + _element(0x0002, 0x0002, "UI", CT_IMAGE_STORAGE)
        + _element(0x0002, 0x0003, "UI", instance)
        + _element(0x0002, 0x0010, "UI", EXPLICIT_LITTLE_ENDIAN)
        + _element(0x0002, 0x0012, "UI", invented_uid("implementation"))
    )
    return _element(0x0002, 0x0000, "UL", struct.pack("<I", len(body))) + body


def _image(patient: str, study: str, instance: str, number: int, size: int, description: str) -> bytes:
    side = max(1, math.isqrt(size // 2))
    identification = (
        _element(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE)
        + _element(0x0008, 0x0018, "UI", instance)
        + _element(0x0008, 0x0020, "DA", "20260101")
        + _element(0x0008, 0x0060, "CS", "CT")
        + _element(0x0008, 0x1030, "LO", description)
        + _element(0x0010, 0x0010, "PN", f"{patient}^Synthetic")
        + _element(0x0010, 0x0020, "LO", patient)
        + _element(0x0020, 0x000D, "UI", study)
        + _element(0x0020, 0x000E, "UI", invented_uid(study, "series"))
        + _element(0x0020, 0x0013, "IS", f"{number:06}")
    )
    return identification + _pixels(side, number)


def _pixels(side: int, number: int) -> bytes:
    """A square of 16-bit pixels in a pattern of its own for each number, so that no two images are alike."""
    row = b"".join(struct.pack("<H", (column * number) % 4096) for column in range(side))
    return (
        _element(0x0028, 0x0002, "US", struct.pack("<H", 1))
        + _element(0x0028, 0x0004, "CS", "MONOCHROME2")
        + _element(0x0028, 0x0010, "US", struct.pack("<H", side))
        + _element(0x0028, 0x0011, "US", struct.pack("<H", side))
        + _element(0x0028, 0x0100, "US", struct.pack("<H", 16))
        + _element(0x0028, 0x0101, "US", struct.pack("<H", 12))
        + _element(0x0028, 0x0102, "US", struct.pack("<H", 11))
        + _element(0x0028, 0x0103, "US", struct.pack("<H", 0))
        + _element(*PIXEL_DATA, "OW", row * side)
    )


def _element(group: int, element: int, kind: str, value: str | bytes) -> bytes:
    """Encode one element; its value is filled up to an even length, texts with a space (PS3.5, 6.2)."""
    data = value.encode("ascii") if isinstance(value, str) else value
    if len(data) % 2:
        data += b"\0" if kind in ("UI", "OB") else b" "
    head = struct.pack("<HH2s", group, element, kind.encode())
    if kind.encode() in LONG_LENGTHS:
        return head + struct.pack("<HI", 0, len(data)) + data
    return head + struct.pack("<H", len(data)) + data
