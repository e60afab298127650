"""Files of the project outside the package: from the wheel, which has copies of them, or from the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_COPIES = Path(__file__).resolve().parent / "files"
_FILES = _COPIES if _COPIES.exists() else ROOT
NGINX_CONF = _FILES / "nginx.conf"
LIMITS_CONF = _FILES / "deploy" / "nginx" / "limits.conf"
JOBS_PLUGIN = _FILES / "deploy" / "orthanc" / "jobs_plugin.py"
