"""A headless Chromium, driven over WebDriver, the W3C protocol that chromedriver speaks on this machine."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = (
    "element-6066-11e4-a52e-4f735466cecf"  # the key that WebDriver prescribes for an element's reference
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
    " ": " ",
}


def chromium() -> tuple[str, str] | None:
    """The paths of Chromium and of its driver, or None where one of them is not installed."""
    found = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    return found if all(found) else None


class Browser:
    """One window."""

    def __init__(self, driver: str, session: str) -> None:
        self.base = f"{driver}/session/{session}"

    def call(self, path: str, values: dict[str, Any] | None = None, method: str = "POST") -> Any:
        return request(f"{self.base}/{path}", values or {}, method)

    def open(self, page: Path, fragment: str = "") -> None:
        self.call("url", {"url": page.as_uri() + fragment})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function in JavaScript returns."""
        return self.call("execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.call("goog/cdp/execute", {"cmd": command, "params": parameters})

    def find(self, css: str) -> dict[str, str]:
        return self.call("element", {"using": "css selector", "value": css})

    def click(self, css: str) -> None:
        self.call(f"element/{self.find(css)[ELEMENT]}/click")

    def type(self, css: str, text: str) -> None:
        self.call(f"element/{self.find(css)[ELEMENT]}/value", {"text": text})

    def press(self, *keys: str) -> None:
        """Keys one after another, wherever the focus is."""
        strokes = [{"type": kind, "value": KEYS[key]} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def texts(self, css: str) -> list[str]:
        """The text of all that is visible and matches."""
        return self.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter((one) => one.checkVisibility()).map((one) => one.textContent.trim())",
            css,
        )

    def resize(self, width: int, height: int) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """`light` or `dark`, as the system would say it."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def accessibility_tree(self) -> list[dict[str, Any]]:
        """The nodes that assistive technology is told of."""
        nodes = self.devtools("Accessibility.getFullAXTree")["nodes"]
        return [node for node in nodes if not node.get("ignored")]

    def logs(self, kind: str) -> list[dict[str, Any]]:
        """What the `browser` (its console) or `performance` (its network too) has logged since last asked."""
        return self.call("se/log", {"type": kind})

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        taken = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in the empty folder `profile`; both end with the block."""
    paths = chromium()
    assert paths, "Chromium and its driver are installed"
    port = free_port()
    command = [paths[1], f"--port={port}", "--log-level=OFF"]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(base)
        options = {"binary": paths[0], "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = request(f"{base}/session", {"capabilities": {"alwaysMatch": wanted}}, "POST")["sessionId"]
        yield Browser(base, session)
        request(f"{base}/session/{session}", {}, "DELETE")
    finally:
        driver.terminate()
        driver.wait(timeout=20)


def request(url: str, values: dict[str, Any], method: str) -> Any:
    body = json.dumps(values).encode() if method == "POST" else None
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(json.load(error)["value"]["message"]) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(base: str) -> None:
    for _ in range(200):
        try:
            if request(f"{base}/status", {}, "GET")["ready"]:
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise AssertionError("chromedriver does not answer")
