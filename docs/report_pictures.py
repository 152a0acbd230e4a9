"""Make the pictures of docs/pages/reports.md anew: `python docs/report_pictures.py`.

Compiles a decoder of seven billion parameters for a described topology, writes its report, and
has Chromium take pictures of it. Needs the extra `tpu`, and Chromium with its driver.
"""

import base64
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

sys.path.insert(0, str(Path(__file__).parents[1]))

import axisrules
from axisrules.evidence import Comparison, compare
from axisrules.models import DecoderConfig, linen_decoder, next_token_loss
from axisrules.report import ComparisonTable
from tests.report.browser import Browser, open_browser

IMAGES = Path(__file__).parent / "pages" / "images"
TABLES = ("dp", "fsdp", "tp_sp", "fsdp_tp", "fsdp_tp_sp")
TARGET = "tpu:v5p:4x4x4"
CONFIG = DecoderConfig(
    vocab=32000,
    embed=4096,
    heads=32,
    kv_heads=8,
    head_dim=128,
    mlp=14336,
    layers=32,
    dtype="bfloat16",
)
WIDTH = 1180
MARGIN = 12
CHOOSE = """
const [css, text] = arguments;
const chooser = document.querySelector(css);
chooser.value = [...chooser.options].find((option) => option.text.startsWith(text)).value;
chooser.dispatchEvent(new Event("change"));
"""
EDGES = """
document.querySelector("nav").style.position = "static";
const boxes = [...arguments].map((css) => document.querySelector(css).getBoundingClientRect());
return [scrollY + boxes[0].top, scrollY + boxes[1].bottom];
"""


def compared() -> Comparison:
    """Five layouts of the decoder."""
    tokens = jax.ShapeDtypeStruct((64, 2048), jnp.int32)
    program = axisrules.read_program(
        linen_decoder(CONFIG, axisrules.constrain),
        next_token_loss,
        {"inputs": tokens, "targets": tokens},
        optimizer=optax.adamw(1e-3),
        batch_axes={"inputs": "batch seq", "targets": "batch seq"},
    )
    found = compare(program, TABLES, [TARGET])
    return replace(found, model="A decoder of 32 layers, batch 64 of 2048 tokens")


def take_picture(browser: Browser, first: str, last: str, path: Path) -> None:
    """The page from the top of one element to the bottom of another."""
    top, bottom = browser.run(EDGES, first, last)
    clip = {
        "x": 0,
        "y": top - MARGIN,
        "width": WIDTH,
        "height": bottom - top + 2 * MARGIN,
        "scale": 1,
    }
    taken = browser.devtools(
        "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
    )
    path.write_bytes(base64.b64decode(taken["data"]))


def main() -> None:
    """Both pictures: the comparison by day, the mesh by night."""
    layout = f"#layout-{1 + TABLES.index('fsdp_tp_sp')}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.html"
        report.write_text(ComparisonTable(compared()).to_html(), encoding="utf-8")
        with open_browser(Path(folder) / "profile") as browser:
            browser.resize(WIDTH, 900)
            browser.prefer("light")
            browser.open(report)
            take_picture(
                browser, "header", "#comparison-table", IMAGES / "report_comparison.png"
            )
            browser.prefer("dark")
            browser.run(CHOOSE, "#picker", "fsdp_tp_sp")
            browser.run(CHOOSE, f"{layout} .subject", "layers/attention/query")
            browser.run("document.querySelector(arguments[0]).focus()", f"{layout} .planes")
            browser.press("Home", "ArrowRight", "ArrowDown")
            browser.run("document.activeElement.blur()")
            take_picture(
                browser, f"{layout}-title", f"{layout} .chip-words", IMAGES / "report_mesh.png"
            )


if __name__ == "__main__":
    main()
