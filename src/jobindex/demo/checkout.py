"""Where the files are that the cluster takes from the project's checkout and not from the package."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NGINX_CONF = ROOT / "nginx.conf"
LIMITS_CONF = ROOT / "deploy" / "nginx" / "limits.conf"
JOBS_PLUGIN = ROOT / "deploy" / "orthanc" / "jobs_plugin.py"
