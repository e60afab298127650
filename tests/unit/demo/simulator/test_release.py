"""What is answered otherwise from release to release."""

import json

import pytest

from .building import ask, simulated

NO_STUDY = "00000000-00000000-00000000-00000000-00000000"


@pytest.mark.parametrize("path", ["archive", "media"])
@pytest.mark.parametrize(("release", "code"), [("1.10.1", 17), ("1.12.7", 7), ("1.13.0", 7)])
async def test_releases_the_archive_of_an_unknown_study(release: str, code: int, path: str) -> None:
    async with simulated(release=release) as simulator:
        status, body = await ask(simulator, "POST", f"/studies/{NO_STUDY}/{path}", json={})
    told = json.loads(body)
    assert (status, told["OrthancStatus"], NO_STUDY in told.get("Details", "")) == (404, code, code == 7)
