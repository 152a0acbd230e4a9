"""The page in a real browser: what the script adds, and what keyboard and screen reader find."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from axisrules import explain
from axisrules.report import ComparisonTable, LedgerTable
from tests.report.browser import Browser, chromium, open_browser
from tests.report.evidence_cases import COMPARISON, decoder_plan

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="neither chromium nor chromedriver is installed"),
]
FIRST = "#layout-2"  # the fastest layout is the one that is shown at first
FOCUSED = "return document.activeElement.outerHTML.slice(0, 80)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file for every command that writes a page."""
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "bench": ComparisonTable(COMPARISON).to_html(),
        "ledger": LedgerTable(COMPARISON.rows[0], "decoder").to_html(),
        "explain": explain(decoder_plan("fsdp_tp", "fsdp=16,tensor=4")).to_html(),
    }
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture
def browser(window: Browser, pages: dict[str, Path]) -> Browser:
    """The comparison, as it opens."""
    window.open(pages["bench"])
    return window


def spoken(browser: Browser) -> str:
    return browser.run("return document.getElementById('spoken').textContent")


def sorted_column(browser: Browser, css: str, column: int) -> list[str]:
    return browser.texts(f"{css} tbody td:nth-child({column})")


@pytest.mark.parametrize("name", ["bench", "ledger", "explain"])
def test_nothing_is_fetched_and_nothing_goes_wrong(window, pages, name):
    window.logs("performance")
    window.logs("browser")
    window.open(pages[name])
    window.run("document.querySelectorAll('summary, th button').forEach((one) => one.click())")
    asked = [
        found
        for entry in window.logs("performance")
        for found in re.findall(r'"url":"([^"]+)"', entry["message"])
    ]
    assert asked
    assert {address.partition("#")[0] for address in asked} <= {pages[name].as_uri(), "about:blank"}
    assert window.logs("browser") == []


def test_the_policy_stops_what_a_name_could_smuggle_in(browser):
    browser.run(
        "const one = document.createElement('script'); one.textContent = 'window.smuggled = 1';"
        "document.body.append(one);"
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; document.body.append(image)"
    )
    assert browser.run("return window.smuggled === undefined")
    stopped = [entry["message"] for entry in browser.logs("browser")]
    assert any("script" in message for message in stopped)
    assert any("x.png" in message for message in stopped)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["bench", "ledger", "explain"])
def test_the_referee_of_accessibility_finds_nothing(window, pages, name, scheme):
    """axe-core judges names, roles, tables, and the contrast of all text, in both colour schemes."""
    window.prefer(scheme)
    window.open(pages[name])
    window.run("for (const one of document.querySelectorAll('details')) one.open = true")
    window.run((resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = window.call(
        "execute/async",
        {"script": "const done = arguments[0]; axe.run().then((all) => done(all.violations))", "args": []},
    )
    assert [(each["id"], each["nodes"][0]["html"], each["nodes"][0]["any"]) for each in found] == []


def test_dark_and_light_differ_and_both_can_be_read(browser):
    colours = {}
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        colours[scheme] = browser.run(
            "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
        )
    brightness = {
        scheme: [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in pair]
        for scheme, pair in colours.items()
    }
    assert brightness["light"][0] - brightness["light"][1] > 400
    assert brightness["dark"][1] - brightness["dark"][0] > 400


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_the_page_itself_never_scrolls_sideways(browser, width):
    browser.resize(width, 900)
    wide = browser.run("return document.documentElement.scrollWidth")
    browser.resize(1280, 900)
    assert wide <= width


def test_everything_with_a_role_has_a_name(browser):
    needs_name = {
        "button",
        "combobox",
        "searchbox",
        "textbox",
        "link",
        "image",
        "img",
        "application",
        "region",
    }
    found = [node for node in browser.accessibility_tree() if node["role"]["value"] in needs_name]
    assert {node["role"]["value"] for node in found} >= {
        "button",
        "combobox",
        "searchbox",
        "link",
        "application",
    }
    assert [node for node in found if not node.get("name", {}).get("value", "").strip()] == []


def test_a_bar_is_told_to_a_screen_reader(browser):
    names = {node["name"]["value"] for node in browser.accessibility_tree() if node.get("name")}
    assert (
        "1. fsdp_tp: 11.0 ms, of which compute 8.00 ms, HBM 2.00 ms, ICI exposed 1.00 ms; model, MFU 59%"
        in names
    )


def test_sorting_by_number_and_by_word(browser):
    table = f"{FIRST}-ledger"
    browser.click(f"{table} th:nth-child(4) button")  # wire, the largest first
    assert sorted_column(browser, table, 4)[-1] == "112 KiB"
    assert browser.texts(f"{table} th[aria-sort=descending]") == ["wire"]
    browser.click(f"{table} th:nth-child(4) button")
    assert sorted_column(browser, table, 4) == ["112 KiB", "896 KiB", "672 MiB", "1.31 GiB", "1.31 GiB"]
    assert spoken(browser) == "Sorted by wire, ascending"
    browser.click(f"{table} th:nth-child(1) button")
    kinds = sorted_column(browser, table, 1)
    assert kinds == sorted(kinds)
    assert browser.run("return document.querySelectorAll(arguments[0]).length", f"{table} th[aria-sort]") == 1


def test_what_has_no_number_is_sorted_last(browser):
    browser.click("#comparison-table th:nth-child(4) button")
    browser.click("#comparison-table th:nth-child(4) button")
    ranks = sorted_column(browser, "#comparison-table", 4)
    assert ranks == ["1", "1", "2", "-", "-"]


def test_filtering_by_words_and_by_choice(browser):
    table = f"{FIRST}-ledger"
    browser.type(f"{table} input", "mlp gather")
    assert sorted_column(browser, table, 1) == ["all-gather", "all-gather"]
    assert browser.texts(f"{table} output") == ["2 of 5 rows"]
    browser.press("Escape")
    assert browser.texts(f"{table} output") == ["5 rows"]
    browser.run(
        "const one = document.querySelector(arguments[0]); one.value = 'backward';"
        "one.dispatchEvent(new Event('change'))",
        f"{table} select[data-column='6']",
    )
    assert sorted_column(browser, table, 7) == ["backward", "backward"]


def test_a_layer_is_found_by_its_own_number(window, pages):
    window.open(pages["explain"])
    window.type(".leaves input", "layers/MLP")
    assert window.texts(".leaves .leaf-path")[0].startswith("layers/mlp")
    assert all("layers/mlp" in text for text in window.texts(".leaves summary") if "params" in text)
    window.press("Escape")
    window.type(".leaves input", "0/nu/layers/norm")
    assert len(window.texts(".leaves summary")) == 1
    window.press("Escape")
    window.type(".leaves input", "nothing of this name")
    assert window.texts(".leaves summary") == []


def test_one_layout_at_a_time(browser):
    assert browser.texts("section.layout > h2") == ["fsdp_tp on tpu:v5p:4x4x4"]
    browser.run(
        "const one = document.getElementById('picker'); one.value = 'layout-5';"
        "one.dispatchEvent(new Event('change'))"
    )
    assert browser.texts("section.layout > h2") == ["fsdp on gpu:h100:1x8"]
    assert spoken(browser) == "Showing fsdp on gpu:h100:1x8"
    browser.click("#comparison-table tbody tr:nth-child(3) a")
    assert browser.texts("section.layout > h2") == ["dp on tpu:v5p:4x4x4"]


def test_an_address_leads_to_a_layout(window, pages):
    window.open(pages["bench"], "#layout-4")
    assert window.texts("section.layout > h2") == ["tp on tpu:v5p:4x4x4"]
    assert window.texts("nav .to-part") == [], "what failed has no mesh, no collectives, no leaves"


def test_the_keyboard_alone_gets_everywhere(browser):
    browser.run("document.activeElement.blur()")
    browser.press("Tab")
    assert "Skip to the report" in browser.run(FOCUSED)
    seen = set()
    for _ in range(90):
        browser.press("Tab")
        kind = browser.run(
            "return document.activeElement.getAttribute('role') || document.activeElement.tagName"
        )
        outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", browser.run(FOCUSED)
        seen.add(kind)
        if kind == "SUMMARY":
            break
    assert {"A", "SELECT", "INPUT", "BUTTON", "application", "SUMMARY"} <= seen
    browser.press("Enter")
    assert browser.run("return document.activeElement.parentElement.open")


def test_arrow_keys_move_over_the_chips(browser):
    browser.run("document.querySelector(arguments[0]).focus()", f"{FIRST} .planes")
    places = []
    for key in ("Home", "ArrowRight", "ArrowDown", "ArrowLeft", "End"):
        browser.press(key)
        (words,) = browser.texts(f"{FIRST} .chip-words")
        places.append(re.search(r"at (x \d, y \d, z \d)", words)[1])
    assert places == ["x 0, y 0, z 0", "x 1, y 0, z 0", "x 1, y 1, z 0", "x 0, y 1, z 0", "x 3, y 3, z 3"]


def test_the_script_and_the_package_agree_on_who_holds_what(window, pages):
    """Each leaf in turn is chosen; what the page then says of a device is what JAX would say of its block."""
    from axisrules.report.page import leaf_facts
    from axisrules.report.page.drawing import block_of

    plan = decoder_plan("fsdp_tp", "fsdp=16,tensor=4")
    window.open(pages["explain"])
    for number, leaf in enumerate(leaf_facts(plan)):
        if not leaf.cuts:
            continue
        window.run(
            "const one = document.querySelector('.subject'); one.value = arguments[0];"
            "one.dispatchEvent(new Event('change'))",
            str(number),
        )
        shown = window.run(
            "return [...document.querySelectorAll('.chip')].map((chip) =>"
            " [Number(chip.dataset.device), Number(chip.querySelector('text').textContent)])"
        )
        assert dict(map(tuple, shown)) == {
            device: block_of(device, plan.mesh, leaf.cuts) for device in range(plan.mesh.device_count)
        }


def test_a_leaf_can_be_sent_to_the_mesh(browser):
    browser.run("document.querySelector(arguments[0]).open = true", f"{FIRST} details[data-leaf='2']")
    path = browser.texts(f"{FIRST} details[data-leaf='2'] .leaf-path")[0]
    browser.click(f"{FIRST} details[data-leaf='2'] .to-mesh")
    assert browser.texts(f"{FIRST} .mesh-words")[0].startswith(path)
    assert browser.run("return document.activeElement.className") == "planes"


def test_without_the_script_all_is_there_to_read(window, pages):
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(pages["bench"])
        nodes = window.accessibility_tree()
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)
    headings = {node["name"]["value"] for node in nodes if node["role"]["value"] == "heading"}
    assert {f"{row.rules} on {row.target}" for row in COMPARISON.rows} <= headings
    assert not any(node["role"]["value"] in {"searchbox", "combobox"} for node in nodes)
