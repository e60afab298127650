#!/bin/sh
# Orthanc 1.12.7 (Debian 13): a finished anonymization's job says less after Orthanc was restarted, though SaveJobs is on and
# the job is listed under the same id as a Success: Content's ID, Path, PatientID and Type are gone, Description is empty,
# and Progress is 0.  One might expect that what a finished job says is final.
#
# Who copies jobs must not take the later text for the better one.
#
# As root, with debootstrap: the packages are put into a temporary folder (or into ROOT, which is kept).

set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=${ROOT:-$folder/root}
[ -x "$root/usr/sbin/Orthanc" ] || debootstrap --variant=minbase --include=orthanc trixie "$root" >"$folder/log"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydicom==3.0.2
"$folder/venv/bin/python" - "$root" <<'END'
import io
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

root = Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
work = Path(tempfile.mkdtemp(dir=root / "tmp"))
inside = "/" + str(work.relative_to(root))
settings = {"HttpPort": port, "DicomServerEnabled": False, "StorageDirectory": inside, "IndexDirectory": inside, "SaveJobs": True}
(work / "orthanc.json").write_text(json.dumps(settings))


def ask(method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, data=body)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def started():
    command = ["chroot", root, "/usr/sbin/Orthanc", f"{inside}/orthanc.json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(150):
        try:
            return process, ask("GET", "/system")["Version"]
        except OSError:
            time.sleep(0.2)
    raise SystemExit("Orthanc does not start")


def instance():
    image = Dataset()
    image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = "1", generate_uid(), generate_uid()
    image.SOPInstanceUID, image.SOPClassUID = generate_uid(), "1.2.840.10008.5.1.4.1.1.7"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    written = io.BytesIO()
    image.save_as(written, enforce_file_format=True)
    return written.getvalue()


process, version = started()
try:
    ask("POST", "/instances", instance())
    (study,) = ask("GET", "/studies")
    job = ask("POST", f"/studies/{study}/anonymize", b'{"Synchronous": false}')["ID"]
    while ask("GET", f"/jobs/{job}")["State"] != "Success":
        time.sleep(0.1)
    before = ask("GET", f"/jobs/{job}")
    process.terminate()
    process.wait(30)
    process, version = started()
    after = ask("GET", f"/jobs/{job}")
finally:
    process.terminate()
    process.wait(30)
    shutil.rmtree(work)
gone = sorted(before["Content"].keys() - after["Content"].keys())
print(f"Orthanc {version}: {after['State']} before and after; gone from Content: {', '.join(gone)}")
print(f"Description {before['Content']['Description']!r} -> {after['Content']['Description']!r}")
print(f"Progress {before['Progress']} -> {after['Progress']}")
assert after["State"] == before["State"] == "Success"
assert after["CompletionTime"] == before["CompletionTime"]
assert {"ID", "Path", "PatientID", "Type"} <= set(gone), gone
assert (after["Content"]["Description"], after["Progress"]) == ("", 0)
END
