#!/usr/bin/env python3
"""Checks that every `#include "folder/..."` under src/ obeys cmake/Layers.cmake.

Usage: check_layers.py [ROOT], by default the tree that it lies in. Prints each offending line as file:line and exits with 1 if there is one.
"""
import pathlib
import re
import sys


def read_table(root: pathlib.Path) -> dict[str, set[str]]:
    """Folder -> folders it may include (transitively closed; '*' means all)."""
    text = (root / "cmake/Layers.cmake").read_text()
    direct = {m[1]: [n for n in m[2].split(",") if n] for m in re.finditer(r'^\s*"([^":]+):([^"]*)"', text, re.M)}

    def close(name: str) -> set[str]:
        found = set()
        for dep in direct.get(name, []):
            found |= {dep} | close(dep)
        return found

    return {name: close(name) for name in direct}


def folder_of(path: str, table: dict[str, set[str]]) -> str | None:
    """The longest folder of the table that holds `path` (relative to src/)."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in table:
            return "/".join(parts)
        parts.pop()
    return None


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    table = read_table(root)
    bad = 0
    for file in sorted((root / "src").rglob("*")):
        if file.suffix not in (".h", ".cc"):
            continue
        own = folder_of(str(file.relative_to(root / "src")), table)
        if own is None:
            print(f"{file}: folder is not in cmake/Layers.cmake")
            bad += 1
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            target = folder_of(m[1], table) if m else None
            if target and target != own and target not in table[own] and "*" not in table[own]:
                print(f"{file}:{number}: src/{own} may not include src/{target}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
