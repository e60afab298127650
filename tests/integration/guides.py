"""Proxies before our nginx, each set up as the common guides for it have it.

A guide gives the lines that its users copy; the rest is what it takes to run the program here.
"""

import os
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from yarl import URL

from certificates import Certificate
from jobindex.demo.installed import NotInstalled
from jobindex.demo.probes import listens
from jobindex.demo.process import Process

PLACES = "/usr/sbin:/usr/bin"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Where a front listens, what is behind it, its folder, and its certificate where it speaks TLS."""

    folder: Path
    port: int
    behind: str
    certificate: Certificate | None


@dataclass(frozen=True)
class Guide:
    """`packages` bring the program on Debian; `command` writes its configuration and is what runs it."""

    program: str
    packages: str
    command: Callable[[Place, str], list[str]]
    told: str

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[None]:
        if shutil.which(self.program, path=PLACES) is None:
            raise NotInstalled(self.program, self.packages)

        async def ready() -> bool:
            return await listens(LOOPBACK, place.port)

        home = {"HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder), "XDG_CONFIG_HOME": str(place.folder)}
        command = self.command(place, self.told.replace("BEHIND", place.behind))
        process = Process(self.program, command, place.folder / f"{self.program}.log", ready, home)
        try:
            await process.start()
            yield
        finally:
            await process.stop()


@dataclass(frozen=True)
class Played:
    """A front of which no program is to be had here: what it makes of a request's headers."""

    makes: Callable[[Mapping[str, str], str, str], dict[str, str]]

    @asynccontextmanager
    async def running(self, place: Place) -> AsyncIterator[None]:
        scheme = "https" if place.certificate else "http"

        async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
            kept = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
            headers = {**kept, **self.makes(request.headers, request.remote or "", scheme)}
            if headers["Host"] == "BEHIND":
                headers["Host"] = place.behind
            url = URL(f"http://{place.behind}{request.raw_path}", encoded=True)
            async with (
                aiohttp.ClientSession() as session,
                session.request(request.method, url, headers=headers) as answer,
            ):
                return web.Response(status=answer.status, body=await answer.read())

        server = RawTestServer(pass_on, host=LOOPBACK, port=place.port)
        await server.start_server(ssl=_tls(place.certificate) if place.certificate else None)
        try:
            yield
        finally:
            await server.close()


def _tls(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def _nginx(place: Place, told: str) -> list[str]:
    tls = place.certificate
    shown = f"ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};" if tls else ""
    temporary = "".join(
        f"{name}_temp_path {place.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = place.folder / "front.conf"
    file.write_text(f"""
events {{}}
http {{
    access_log off;
    {temporary}
    server {{
        listen {LOOPBACK}:{place.port}{" ssl" if tls else ""};
        {shown}
        location / {{ {told} }}
    }}
}}""")
    command = [_found("nginx"), "-p", str(place.folder), "-c", str(file), "-e", "stderr"]
    return [*command, "-g", f"daemon off; master_process off; pid {place.folder}/front.pid;"]


def _apache(place: Place, told: str) -> list[str]:
    tls = place.certificate
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "headers", "ssl"]
    loaded = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules)
    shown = f"SSLEngine on\nSSLCertificateFile {tls.certificate}\nSSLCertificateKeyFile {tls.key}\n" if tls else ""
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    file = place.folder / "front.conf"
    file.write_text(f"""
{loaded}ServerRoot {place.folder}
ServerName pacs.example.org
DefaultRuntimeDir {place.folder}
PidFile {place.folder}/front.pid
ErrorLog {place.folder}/error.log
{user}Listen {LOOPBACK}:{place.port}
{shown}
{told}
""")
    return [_found("apache2"), "-f", str(file), "-DFOREGROUND"]


def _haproxy(place: Place, told: str) -> list[str]:
    tls, shown = place.certificate, ""
    if tls:
        both = place.folder / "both.pem"
        both.write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
        shown = f" ssl crt {both}"
    file = place.folder / "front.conf"
    file.write_text(f"""
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend front
    bind {LOOPBACK}:{place.port}{shown}
    default_backend behind
    {told}
""")
    return [_found("haproxy"), "-db", "-f", str(file)]


def _caddy(place: Place, told: str) -> list[str]:
    tls = place.certificate
    shown = f"tls {tls.certificate} {tls.key}" if tls else ""
    file = place.folder / "Caddyfile"
    file.write_text(f"""{{
    admin off
    auto_https off
}}
{"https" if tls else "http"}://:{place.port} {{
    bind {LOOPBACK}
    {shown}
    {told}
}}
""")
    return [_found("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]


def _found(program: str) -> str:
    return shutil.which(program, path=PLACES) or program


NGINX_LINES = """
proxy_pass http://BEHIND;
proxy_set_header Host $host;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
"""
APACHE_LINES = """
ProxyPass / http://BEHIND/
ProxyPassReverse / http://BEHIND/
RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}
"""
HAPROXY_LINES = """
    option forwardfor
    http-request set-header X-Forwarded-Proto https if { ssl_fc }
backend behind
    server behind BEHIND
"""


def _traefik(headers: Mapping[str, str], peer: str, scheme: str) -> dict[str, str]:
    told = {"X-Forwarded-For": peer, "X-Real-Ip": peer, "X-Forwarded-Proto": scheme, "X-Forwarded-Server": "traefik"}
    return {**told, "X-Forwarded-Host": headers["Host"], "X-Forwarded-Port": "443" if scheme == "https" else "80"}


def _load_balancer(headers: Mapping[str, str], peer: str, scheme: str) -> dict[str, str]:
    return {"X-Forwarded-For": peer, "X-Forwarded-Proto": scheme, "X-Forwarded-Port": "443"}


def _gateway(headers: Mapping[str, str], peer: str, scheme: str) -> dict[str, str]:
    """As cloud gateways do that ask by the name of what is behind them, and tell a port with the address."""
    told = {"Host": "BEHIND", "X-Original-Host": headers["Host"], "X-Forwarded-Proto": scheme}
    return {**told, "X-Forwarded-For": f"{peer}:52811"}


GUIDES: Mapping[str, Guide | Played] = {
    "nginx": Guide("nginx", "nginx", _nginx, NGINX_LINES),
    "nginx, X-Forwarded-Host": Guide(
        "nginx", "nginx", _nginx, NGINX_LINES.replace("Host $host", "X-Forwarded-Host $host")
    ),
    "nginx, proxy_pass alone": Guide("nginx", "nginx", _nginx, "proxy_pass http://BEHIND;"),
    "apache": Guide("apache2", "apache2-bin", _apache, APACHE_LINES),
    "apache, ProxyPreserveHost": Guide("apache2", "apache2-bin", _apache, f"ProxyPreserveHost On\n{APACHE_LINES}"),
    "haproxy": Guide("haproxy", "haproxy", _haproxy, HAPROXY_LINES),
    "caddy": Guide("caddy", "caddy", _caddy, "reverse_proxy BEHIND"),
    "traefik": Played(_traefik),
    "a load balancer": Played(_load_balancer),
    "a gateway that asks by another name": Played(_gateway),
}
HIDES_THE_HOST = {"nginx, proxy_pass alone", "a gateway that asks by another name"}
"""Where nothing tells by which name the page was asked for."""
HIDES_THE_CALLER = {"nginx, proxy_pass alone"}
