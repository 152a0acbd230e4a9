"""Exit with an error unless a wheel holds all of the package's files, its licence, and nothing else."""

import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "axisrules"
KINDS_OF_FILE = {".py", ".typed", ".toml", ".md", ".html", ".css", ".js"}
OF_THE_PROJECT = {"licenses/LICENSE", "entry_points.txt"}


def main(wheel: str) -> int:
    """0 when the wheel and the package agree, 1 with the differences on stderr."""
    names = zipfile.ZipFile(wheel).namelist()
    metadata = {name.split("/", 1)[1] for name in names if ".dist-info/" in name}
    inside = {name for name in names if ".dist-info/" not in name}
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix in KINDS_OF_FILE
    }
    missing = (wanted - inside) | (OF_THE_PROJECT - metadata)
    surplus = inside - wanted
    for title, files in (("missing", missing), ("not wanted", surplus)):
        for file in sorted(files):
            print(f"{title}: {file}", file=sys.stderr)
    data = [name for name in inside if not name.endswith(".py")]
    print(f"{Path(wheel).name}: {len(inside)} files, {len(data)} of them presets, pages, templates and data")
    return int(bool(missing or surplus))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
