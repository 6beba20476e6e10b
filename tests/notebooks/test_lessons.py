"""The lessons: their sources, the notebooks made from them, and what happens when these run."""

import functools
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "source").glob("[0-9]*.py"))
README = (NOTEBOOKS / "README.md").read_text("utf-8")
LANGUAGES = ["en", "zh"]
missing = [p for p in ("jupytext", "nbclient", "ipykernel", "matplotlib") if importlib.util.find_spec(p) is None]
if missing:
    pytest.skip(f"not installed: {', '.join(missing)}", allow_module_level=True)

import nbformat  # noqa: E402
from build import TABLE, equations, write  # noqa: E402
from lesson import SETUP, Part, demanding, numbered, read, unwrapped  # noqa: E402
from run import run  # noqa: E402

LESSONS = {name: read(NOTEBOOKS / "source" / f"{name}.py") for name in NAMES}


def committed(name, language):
    return json.loads(LESSONS[name].path(language).read_text("utf-8"))


def text_of(output):
    return "".join(output.get("text", output.get("data", {}).get("text/plain", "")))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_committed_notebook_is_what_its_source_makes(name, language):
    """Apart from outputs, which only a run could tell. If this fails: make notebooks."""
    made, there = LESSONS[name].notebook(language), committed(name, language)
    for cell in there["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        cell["source"] = "".join(cell["source"])
    assert there == json.loads(json.dumps(made))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_committed_notebook_has_run(name, language):
    """In order, without an error, a warning or a path of the machine; small enough for GitHub to show."""
    cells = [cell for cell in committed(name, language)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", ()) for output in outputs)
    assert not re.search(r"/(home|root|tmp|Users|work)/", " ".join(map(text_of, outputs)))
    assert LESSONS[name].path(language).stat().st_size < 1_500_000


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_show_the_same_outputs(name):
    """They come from one run."""
    both = [[c["outputs"] for c in committed(name, x)["cells"] if c["cell_type"] == "code"] for x in LANGUAGES]
    assert both[0] == both[1]


@pytest.mark.parametrize("name", NAMES)
def test_prose_says_the_same_in_both_languages(name):
    """As far as a machine can tell: the same headings, formulas on display, numbered exercises and links to lessons."""
    for part in LESSONS[name].parts:
        if part.kind == "prose":
            counts = [[len(re.findall(pattern, part.prose[x], re.MULTILINE)) for pattern in
                       (r"^#+ ", r"\$\$", r"^\*\*(?:Exercise|练习) \d", r"\]\(\d\d_\w+\.ipynb\)")]
                      for x in LANGUAGES]  # fmt: skip
            assert counts[0] == counts[1], part.prose["en"]
            assert re.search(r"[\u4e00-\u9fff]", part.prose["zh"]) and not re.search(
                r"[\u4e00-\u9fff]", part.prose["en"]
            )


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_has_its_parts(name):
    """A goal, a picture, two to four exercises with checks of their own, and where to go next."""
    lesson = LESSONS[name]
    assert "**Goal.**" in lesson.parts[0].prose["en"]
    exercises = [part.code for part in lesson.parts if part.kind == "exercise"]
    assert 2 <= len(exercises) <= 4
    assert len({code.rpartition("\n")[2].partition("(")[0] for code in exercises}) == len(exercises)
    assert any("draw(" in code for code in lesson.code())
    assert "**Where to go next.**" in lesson.parts[-1].prose["en"]
    for link in re.findall(r"\]\((\d\d_\w+)\.ipynb\)", " ".join(part.prose.get("en", "") for part in lesson.parts)):
        assert link in NAMES


@functools.cache
def handout(name):
    """Run a lesson as a student has it, and then its solutions: the cells, and the outputs of each."""
    exercises = [part.code for part in LESSONS[name].parts if part.kind == "exercise"]
    cells = [cell.source for cell in LESSONS[name].notebook("en", handout=True).cells if cell.cell_type == "code"]
    cells += LESSONS[name].solutions()
    return exercises, list(zip(cells, run(cells, NOTEBOOKS, go_on=True, time_out=60)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_handout_has_the_exercises_and_no_solutions(name, language):
    """Its tagged cells are the exercises, each with a check that demands its answer."""
    lesson = LESSONS[name]
    cells = lesson.notebook(language, handout=True).cells
    tagged = [(cell.metadata.tags, cell.source) for cell in cells if "tags" in cell.metadata]
    assert tagged == [(["exercise"], demanding(part.code)) for part in lesson.parts if part.kind == "exercise"]
    assert not [solution for solution in lesson.solutions() for cell in cells if solution in cell.source]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_handout_raises_in_its_exercises_alone_and_the_solutions_pass(name):
    """Without the solutions a lesson runs top to bottom but for its exercises; then every solution passes its check."""
    exercises, given = handout(name)
    raised = {cell: o["ename"] for cell, outputs in given for o in outputs if o["output_type"] == "error"}
    assert raised == {demanding(code): "AssertionError" for code in exercises}
    verdicts = [text_of(outputs[-1]) for _, outputs in given[-len(exercises) :]]
    assert all(verdict.startswith("PASS. ") for verdict in verdicts), verdicts


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_gives_the_same_bytes(name, tmp_path):
    """What a notebook shows, pictures and all, depends on its source alone; so does the rest, being made from it."""
    lesson = LESSONS[name]
    exercises, given = handout(name)
    for path in write(lesson, tmp_path):
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert len(cells) == len(given) - len(exercises)
        for cell, code, (_, outputs) in zip(cells, lesson.code(), given):
            if code in exercises:
                assert text_of(cell.outputs[0]).startswith("NOT YET. ")
            else:
                assert cell.outputs == [numbered(output, cell.execution_count) for output in outputs]


def test_the_engine_of_lesson_3_is_as_small_as_it_says():
    """Numbers and arrays in ninety lines, blank ones and all."""
    code = "\n".join(LESSONS["03_from_scalars_to_matrices"].code())
    classes = re.findall(r"^class \w+.*?\n(?:[ ].*\n|\n)+", code, re.MULTILINE)
    assert len(classes) == 2
    assert 80 < sum(len(code.strip().splitlines()) for code in classes) <= 90


def test_a_warning_in_a_cell_is_an_error():
    """The kernel runs as strictly as the suite."""
    outputs = run(["import warnings", "warnings.warn('old')"], NOTEBOOKS, go_on=True)
    assert [o["ename"] for o in outputs[1]] == ["UserWarning"]


def test_the_table_of_equations_is_up_to_date():
    """README has what the sources say. If this fails: make notebooks."""
    assert TABLE.search(README)[0] == equations(list(LESSONS.values()))


def test_equations_are_where_the_table_says():
    """The committed notebook has, below that heading, the cell that computes the formula, its number at the line."""
    rows = re.findall(
        r"^\| \[(.*?)\]\(h.*?\) \| (.*?) \| .* \| \[.*\]\((.*?)\.ipynb\) \| (.+) \|$", README, re.MULTILINE
    )
    assert len(rows) == TABLE.search(README)[0].count("\n") - 2
    for text, label, name, section in rows:
        cells = ["".join(cell["source"]) for cell in committed(name, "en")["cells"]]
        start = next(i for i, cell in enumerate(cells) if f"## {section}" in cell.splitlines())
        end = next((i for i in range(start + 1, len(cells)) if re.search(r"^## ", cells[i], re.MULTILINE)), len(cells))
        computing = [part.code for part in LESSONS[name].parts if f"{text} {label}" in part.equations]
        here = [cell for cell in cells[start:end] if cell in computing]
        assert here, (text, label)
        assert not label.startswith("(") or any(label in cell for cell in here), (text, label)


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("CS231n", [f"({i})" for i in range(1, 9)]),
        ("deeplearning.ai", [f"({i})" for i in range(1, 22)]),
        ("Simple LSTM", []),
        ("D2L", [f"(8.7.{i})" for i in range(1, 17)]),
    ],
)
def test_every_numbered_equation_of_a_text_is_in_the_table(text, numbers):
    """The texts number so many; the table lists these in order, and others under names."""
    table = TABLE.search(README)[0]
    assert re.findall(rf"^\| \[{re.escape(text)}\]\S+ \| (\([\d.]+\)) \|", table, re.MULTILINE) == numbers


@pytest.mark.parametrize("name", NAMES)
def test_readme_tells_a_teacher_about(name):
    """A row for each lesson, in both languages."""
    assert f"]({name}.ipynb)" in README and f"](zh/{name}.ipynb)" in README


def test_readme_links_lead_somewhere():
    """Files that notebooks/README.md links to exist."""
    for path in set(re.findall(r"\]\(([^)h#][^)]*)\)", README)):
        assert (NOTEBOOKS / path).exists(), path


@pytest.mark.parametrize(
    "source, complaint",
    [
        ('# %% [markdown] lang="en"\n# a\n\n# %%\n1', "cell 1: zh expected; code came"),
        ('# %% [markdown] lang="zh"\n# 一', "cell 0: zh follows en or an exercise; it came alone"),
        ("# %% [markdown]\n# a", "cell 0: prose in en, code or an exercise expected; None came"),
        ('# %% [markdown] lang="en"\n# a', "zh expected at the end"),
        ('# %% tags=["exercise"]\nx = ...', "cell 0: an exercise ends with the call of a check; 'x = ...' came"),
        ('# %% tags=["exercise"]\ncheck_a(x)\n\n# %%\n1', "cell 1: solution expected; code came"),
        ('# %% tags=["exercise"]\ncheck_a(x)\n\n# %% tags=["solution"]\ncheck_b(x)', "ends with the check of its"),
    ],
)  # fmt: skip
def test_a_source_that_is_no_lesson_is_refused(source, complaint, tmp_path):
    """With the number of the cell, what was expected and what came."""
    path = tmp_path / "01_x.py"
    path.write_text(f"{source}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(complaint)):
        read(path)


def test_equations_are_complete(monkeypatch):
    """A formula without a cell is refused, and so is a cell that names no formula."""
    with pytest.raises(ValueError, match="no code cell has"):
        equations([])
    LESSON = LESSONS[NAMES[0]]
    monkeypatch.setattr(LESSON, "parts", [*LESSON.parts, Part("code", equations=["CS231n (99)"])])
    with pytest.raises(ValueError, match=re.escape("does not list CS231n (99)")):
        equations(list(LESSONS.values()))


def test_chinese_lines_are_joined():
    """A line break between Chinese characters would show as a space; one before a formula or a list stays."""
    assert unwrapped("一行，\n二行\n$x$\n\n- 三\n- 四") == "一行，二行\n$x$\n\n- 三\n- 四"


def test_the_first_cell_is_the_same_everywhere():
    """It names the repository that the buttons open."""
    assert all(lesson.code()[0] == SETUP for lesson in LESSONS.values())
    clone = re.search(r"https://github.com/(\S+) ", SETUP)[1]
    for lesson in LESSONS.values():
        for language in LANGUAGES:
            assert lesson.buttons(language).count(clone) == 2
