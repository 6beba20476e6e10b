"""The pictures of the README and the gallery: they are what `python docs/pictures.py` makes."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)
PROGRAMS = list(pictures.programs())


def says(svg):
    """Everything that a picture says, wherever it stands."""
    kinds = ("text", "title", "desc")
    return sorted(e.text or "" for e in ElementTree.fromstring(svg).iter() if e.tag.rpartition("}")[2] in kinds)


@pytest.mark.slow
@pytest.mark.parametrize("folder, program", PROGRAMS, ids=[re.findall(r'(\w+)\.svg"', p)[-1] for _, p in PROGRAMS])
def test_made_by_its_lines(folder, program, tmp_path, monkeypatch):
    """The lines on a page make the picture beside it: byte for byte with the same Graphviz, else in the same words."""
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "README.md", "exec"), {})
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(re.findall(r'(\w+\.svg)"', program))
    for name in made:
        new, old = (tmp_path / name).read_text("utf-8"), (folder / name).read_text("utf-8")
        if pictures.tools() == pictures.MADE_WITH.read_text("utf-8"):
            assert new == old, f"make {name} anew: python docs/pictures.py"
        else:
            assert says(new) == says(old)


def test_nothing_is_missing_or_left_over():
    """The gallery shows every picture in its folder, each under the lines that make it."""
    page = (DOCS / "gallery" / "README.md").read_text("utf-8")
    shown = re.findall(r"!\[[^\]]+\]\((\w+\.svg)\)", page)
    assert shown == re.findall(r'picture\.save\("(\w+\.svg)"\)', page)
    assert sorted(shown) == sorted(path.name for path in (DOCS / "gallery").glob("*.svg"))
