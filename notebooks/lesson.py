"""A lesson: read its one source, and write it as a notebook, in one language, for reading or as a handout."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext
import nbformat

HERE = Path(__file__).parent
SOURCES = sorted((HERE / "source").glob("[0-9][0-9]_*.py"))
REPOSITORY = "OWNER/chalkgrad"  # on GitHub: what the Colab and Binder buttons open and the first cell clones
LANGUAGES = {"en": "", "zh": "zh/"}  # and the folder of each
SOLUTION = {"en": "A solution", "zh": "参考答案"}
OTHER = {"en": "[中文](zh/{name}.ipynb)", "zh": "[English](../{name}.ipynb)"}

SETUP = f"""\
# Chalkgrad comes from the checkout around this notebook. Where there is none, as on Colab, it is
# cloned. It goes first on the path, before another package named autograd that Colab brings;
# nothing is installed over that one.
import subprocess
import sys
from pathlib import Path

around = (folder for folder in Path.cwd().parents if (folder / "notebooks/checks").is_dir())
home = next(around, Path("chalkgrad").absolute())
if not home.exists():
    clone = "git clone --quiet --depth=1 https://github.com/{REPOSITORY} chalkgrad"
    needs = "-m pip install --quiet numpy>=2.1,<3 graphviz tqdm matplotlib"
    subprocess.run(clone.split(), check=True)
    subprocess.run([sys.executable, *needs.split()], check=True)
sys.path[:0] = [str(home), str(home / "notebooks")]

import nn  # stops here, and says what to do, if Python finds the other autograd

print("Chalkgrad is here.")"""


@dataclass
class Part:
    """A cell of the source: prose in each language, or code that all languages share.

    kind  "prose", "code", "exercise" or "solution"
    """

    kind: str
    code: str = ""
    prose: dict[str, str] = field(default_factory=dict)
    equations: list[str] = field(default_factory=list)


@dataclass
class Lesson:
    """What a source holds. `name` is the stem of its files, "01_a_derivative_is_a_nudge"."""

    name: str
    parts: list[Part]

    @property
    def number(self) -> str:
        return self.name[:2]

    def title(self, language: str = "en") -> str:
        return self.parts[0].prose[language].partition("\n")[0].removeprefix("# ")

    def path(self, language: str, folder: Path = HERE) -> Path:
        return folder / LANGUAGES[language] / f"{self.name}.ipynb"

    def code(self) -> list[str]:
        """List the code that a notebook runs, in order: the first cell, the shared cells, the exercises with gaps."""
        return [SETUP, *(part.code for part in self.parts if part.kind in ("code", "exercise"))]

    def solutions(self) -> list[str]:
        return [part.code for part in self.parts if part.kind == "solution"]

    def notebook(self, language: str, outputs: list[list[Any]] | None = None, handout: bool = False) -> Any:
        """Make the notebook in one language.

        outputs  what each cell of `code()` gave; none if None
        handout  leave out the solutions, and let a check raise as long as its exercise isn't solved
        """
        first, *rest = self.parts
        title, _, below = first.prose[language].partition("\n")
        cells = [("prose", f"{title}\n\n{self.buttons(language)}\n{below}"), ("code", SETUP)]
        for part in rest:
            if part.kind == "prose":
                cells.append(("prose", part.prose[language]))
            elif part.kind == "solution":
                folded = (
                    f"<details><summary>{SOLUTION[language]}</summary>\n\n```python\n{part.code}\n```\n\n</details>"
                )
                cells += [] if handout else [("solution", folded)]
            else:
                cells.append((part.kind, demanding(part.code) if handout and part.kind == "exercise" else part.code))
        made, results = [], iter(outputs or [])
        for kind, text in cells:
            place = {"id": f"{self.number}-{len(made):03}"}
            place |= {"metadata": {"tags": [kind]}} if kind in ("exercise", "solution") else {}
            if kind in ("prose", "solution"):
                made.append(nbformat.v4.new_markdown_cell(text, **place))
                continue
            cell = nbformat.v4.new_code_cell(text, **place)
            if outputs:
                cell.execution_count = 1 + sum(other.cell_type == "code" for other in made)
                cell.outputs = [numbered(output, cell.execution_count) for output in next(results)]
            made.append(cell)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return nbformat.v4.new_notebook(
            cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
        )

    def buttons(self, language: str) -> str:
        path = f"notebooks/{LANGUAGES[language]}{self.name}.ipynb"
        colab = f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/{path}"
        binder = f"https://mybinder.org/v2/gh/{REPOSITORY}/main?labpath={path.replace('/', '%2F')}"
        return (
            f"[![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
            f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder}) {OTHER[language].format(name=self.name)}"
        )


def read(path: Path) -> Lesson:
    """Read a source in jupytext's percent format.

    Prose stands in pairs, `# %% [markdown] lang="en"` and then `lang="zh"`; an exercise (`tags=["exercise"]`) is
    followed by its solution (`tags=["solution"]`), and both end with the same call of a check.
    Raises ValueError, with the number of the cell, for anything else.
    """
    parts: list[Part] = []
    expected = None
    for i, cell in enumerate(jupytext.read(path, fmt="py:percent").cells):
        language, tags = cell.metadata.get("lang"), cell.metadata.get("tags", [])
        came = language if cell.cell_type == "markdown" else next(iter(tags), "code")
        if came not in ("en", "zh", "code", "exercise", "solution") or (expected or came) != came:
            raise ValueError(
                f"{path.name}, cell {i}: {expected or 'prose in en, code or an exercise'} expected; {came} came."
            )
        if came in ("zh", "solution") and expected is None:
            raise ValueError(f"{path.name}, cell {i}: {came} follows en or an exercise; it came alone.")
        if came == "zh":
            parts[-1].prose["zh"] = unwrapped(cell.source)
        elif came == "en":
            parts.append(Part("prose", prose={"en": cell.source}))
        else:
            parts.append(Part(came, code=cell.source, equations=cell.metadata.get("equations", [])))
        last = cell.source.rpartition("\n")[2]
        if came == "exercise" and not last.startswith("check_"):
            raise ValueError(f"{path.name}, cell {i}: an exercise ends with the call of a check; {last!r} came.")
        if came == "solution" and last != parts[-2].code.rpartition("\n")[2]:
            raise ValueError(f"{path.name}, cell {i}: a solution ends with the check of its exercise; {last!r} came.")
        expected = {"en": "zh", "exercise": "solution"}.get(came)
    if expected:
        raise ValueError(f"{path.name}: {expected} expected at the end.")
    return Lesson(path.stem, parts)


def unwrapped(text: str) -> str:
    """Join lines between Chinese characters, where a line break would show as a space."""
    wide = r"[\u2018-\u201d\u2026\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]"
    return re.sub(rf"(?<={wide})\n(?={wide})", "", text)


def demanding(exercise: str) -> str:
    """Let the check at the end of an exercise raise unless it passes."""
    return f"{exercise}.demand()"


def numbered(output: Any, count: int) -> Any:
    return nbformat.from_dict({**output, "execution_count": count} if "execution_count" in output else output)
