"""A virtual environment for every peer, made once: what one peer needs never meets what another one needs."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TORCH = "torch==2.13.0"
READY = "ready.json"


@dataclass(frozen=True)
class Peer:
    """A system that is installed from its package.

    Args:
        name: of the folder and of the script under `peers`.
        packages: what is installed, the peer itself first.
        why: what of this list its own package does not say.
    """

    name: str
    packages: tuple[str, ...]
    why: str = ""


PEERS = {
    peer.name: peer
    for peer in (
        Peer("dialz", ("dialz==1.1.4", "ipython"), "its package imports IPython without asking for it"),
        Peer("repeng", ("repeng==0.4.0", "accelerate")),
        Peer("steering_vectors", ("steering-vectors==0.12.2", "accelerate")),
        Peer("lm_eval", ("lm-eval[hf]==0.4.13",)),
    )
}


class EnvironmentFailedError(RuntimeError):
    """pip could not make an environment; the message ends with its last lines."""


def python_of(name: str, folder: Path) -> Path:
    """The interpreter of a peer's environment, which is made first where it is not there or not whole.

    Raises:
        EnvironmentFailedError: pip failed.
    """
    peer, home = PEERS[name], folder / name
    python = home / "bin" / "python"
    wanted = _fingerprint(peer)
    if python.is_file() and _stored(home).get("fingerprint") == wanted:
        return python
    print(f"making the environment of {name}: {', '.join(peer.packages)}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    constraints = home / "constraints.txt"
    constraints.write_text(f"{TORCH}\n", encoding="utf-8")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*install, "--constraint", str(constraints), TORCH, *peer.packages], capture_output=True, text=True
    )
    if done.returncode:
        raise EnvironmentFailedError(f"the environment of {name} could not be made: {done.stderr[-2000:]}")
    listed = subprocess.run(
        [str(python), "-m", "pip", "freeze", "--disable-pip-version-check"],
        check=True,
        capture_output=True,
        text=True,
    )
    stored = {"fingerprint": wanted, "packages": listed.stdout.splitlines()}
    (home / READY).write_text(json.dumps(stored, indent=1), encoding="utf-8")
    return python


def versions_of(name: str, folder: Path) -> dict[str, str]:
    """Versions of the peer and of what it computes with, as installed."""
    shown = {
        "torch",
        "transformers",
        "numpy",
        *(p.partition("==")[0].partition("[")[0] for p in PEERS[name].packages),
    }
    lines = (line.partition("==") for line in _stored(folder / name).get("packages", []))
    return {key: version for key, _, version in lines if key.lower().replace("_", "-") in shown}


def _stored(home: Path) -> dict[str, object]:
    try:
        return json.loads((home / READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _fingerprint(peer: Peer) -> str:
    text = "\n".join((TORCH, *peer.packages, sys.version))
    return hashlib.sha256(text.encode()).hexdigest()
