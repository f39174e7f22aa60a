"""Certificates of an authority made for a test, by the `openssl` command."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import needs
from tests.support.stack.process import temporary_folder

_CONFIG = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[loopback]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate of 127.0.0.1, for a server and for a client.

    Attributes:
        authority: file with the certificate of the authority that signed it.
        certificate: file with the certificate.
        key: file with its key.
    """

    authority: Path
    certificate: Path
    key: Path


@contextmanager
def certificate() -> Iterator[Certificate]:
    """Make one that is gone at the end of the block."""
    if shutil.which("openssl") is None:
        needs.require("openssl is not installed", "apt-get install openssl")
    with temporary_folder("certificates") as folder:
        (folder / "config").write_text(_CONFIG)

        def make(name: str, *options: str) -> None:
            argv = ["openssl", "req", "-x509", "-config", "config", "-days", "2", "-subj", f"/CN={name}"]
            argv += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            argv += ["-extensions", name, "-keyout", f"{name}.key", "-out", f"{name}.pem", *options]
            subprocess.run(argv, cwd=folder, check=True, capture_output=True, timeout=60)

        make("authority")
        make("loopback", "-CA", "authority.pem", "-CAkey", "authority.key")
        yield Certificate(folder / "authority.pem", folder / "loopback.pem", folder / "loopback.key")
