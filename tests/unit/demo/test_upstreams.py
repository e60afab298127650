"""What the containers' nginx is told of names, whichever nginx is installed here."""

import re

from jobindex.demo.checkout import ROOT

CONTAINERS = (ROOT / "deploy" / "docker" / "nginx" / "upstreams.conf").read_text()
IMAGE = re.compile(r"image: nginx:(\d+)\.(\d+)")


def test_in_use_every_name_of_a_container_is_looked_up_while_nginx_runs() -> None:
    servers = re.findall(r"^\s+server (\S+):\d+(.*);", CONTAINERS, re.MULTILINE)
    assert len(servers) == 5
    assert [name for name, told in servers if "resolve" not in told.split()] == []
    assert re.search(r"^resolver 127\.0\.0\.11 valid=\d+s;", CONTAINERS, re.MULTILINE)


def test_the_containers_nginx_can_do_that() -> None:
    image = IMAGE.search((ROOT / "compose.yaml").read_text())
    assert image is not None
    assert (int(image[1]), int(image[2])) >= (1, 28)
