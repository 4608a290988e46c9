"""The proxies accept the files of deploy/ as they stand."""

import shutil
import subprocess
from pathlib import Path

from tests.deploy.proxies import DEPLOY, HAPROXY, NGINX, OWN_FOLDERS


def test_nginx_accepts_its_files(tmp_path: Path) -> None:
    folder = shutil.copytree(DEPLOY / "nginx", tmp_path / "nginx")
    with (folder / "site.conf").open("a", encoding="utf-8") as site:
        site.write(OWN_FOLDERS)
    own = f"pid {tmp_path}/nginx.pid;"
    checked = subprocess.run(
        [NGINX, "-t", "-p", str(tmp_path), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", own],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_haproxy_accepts_its_file() -> None:
    # Valid, and without a warning.
    checked = subprocess.run([HAPROXY, "-c", "-dW", "-f", str(DEPLOY / "haproxy.cfg")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
