"""HTML from elements, so that every name is escaped by the serializer and none can become markup."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

# Legible on light and dark pages alike: colours are inherited or translucent.
STYLE = """
.axisrules { font: 13px/1.5 system-ui, sans-serif; }
.axisrules h1 { font-size: 1.25em; margin: 0 0 .5em; }
.axisrules h2 { font-size: 1.05em; margin: 1.2em 0 .3em; }
.axisrules table { border-collapse: collapse; margin: .3em 0; }
.axisrules th, .axisrules td { text-align: left; padding: .15em .8em .15em 0; vertical-align: top;
  background: none; border: 0; }
.axisrules th { font-weight: 600; opacity: .65; }
.axisrules .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.axisrules .quiet { opacity: .65; }
.axisrules code, .axisrules pre { font: 12px/1.5 ui-monospace, monospace; background: none; color: inherit; }
.axisrules pre { white-space: pre-wrap; margin: .3em 0 1em; }
.axisrules details > div { margin: .3em 0 .8em 1.2em; }
.axisrules summary { cursor: pointer; }
.axisrules .mesh { border-radius: .3em; padding: 0 .3em; }
.axisrules table.picture td { border: 1px solid rgba(128, 128, 128, .6); text-align: center;
  padding: .2em .7em; }
.axisrules table.picture th { padding: .2em .7em; text-align: center; }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
{body}
</body>
</html>
"""

Child = Element | str


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """An element with elements and text inside; `class_` stands for `class`."""
    made = Element(tag, {name.rstrip("_"): value for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made


def table(
    headings: Iterable[str], rows: Iterable[Iterable[Child]], *, numbers: Iterable[int] = ()
) -> Element:
    """A table; the columns in `numbers` stand flush right."""
    flush_right = set(numbers)

    def cells(tag: str, row: Iterable[Child]) -> list[Element]:
        classes = ("number" if column in flush_right else "" for column in range(len(headings_list)))
        return [element(tag, cell, class_=name) for cell, name in zip(row, classes, strict=True)]

    headings_list = list(headings)
    head = element("thead", element("tr", *cells("th", headings_list)))
    return element("table", head, element("tbody", *(element("tr", *cells("td", row)) for row in rows)))


def fragment(*children: Child) -> str:
    """A piece of HTML that stands on its own, its style included: what a notebook shows."""
    return tostring(
        element("div", element("style", STYLE), *children, class_="axisrules"),
        encoding="unicode",
        method="html",
    )


def whole_page(title: str, body: str) -> str:
    """A complete document around a fragment."""
    shown = tostring(element("title", title), encoding="unicode", method="html")
    return PAGE.format(title=shown.removeprefix("<title>").removesuffix("</title>"), body=body)
