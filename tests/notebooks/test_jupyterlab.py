"""The lessons where they are read: in JupyterLab, in Chromium, as cloned and after running all cells."""

import json
import shutil
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "source").glob("[0-9]*.py"))

# What is wrong to see: errors, pictures that did not load, formulas that MathJax could not read.
FAULTS = """() => {
  const kinds = ["error", "stderr"].map(kind => `[data-mime-type="application/vnd.jupyter.${kind}"]`)
  const errors = [...document.querySelectorAll([...kinds, "mjx-merror"])]
  const pictures = [...document.querySelectorAll(".jp-OutputArea-output img")]
  return [...errors.map(error => error.innerText.slice(0, 300)),
          ...pictures.filter(img => !img.naturalWidth).map(img => `broken: ${img.alt}`)]
}"""


@pytest.fixture(scope="module")
def server(serve, skip_without, tmp_path_factory):
    """Serve a copy of the lessons, which running them may change."""
    skip_without("matplotlib")
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return serve(folder)


@pytest.fixture
def opened(browser, server):
    """Open a lesson in a window as high as the notebook, so that JupyterLab renders all of it."""
    pages = []

    def open_lesson(path):
        page = browser.new_page(viewport={"width": 1300, "height": 16_000})
        pages.append(page)
        page.set_default_timeout(60_000)
        page.goto(f"{server}lab/tree/notebooks/{path}.ipynb?token=secret&reset")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.locator(".jp-Notebook mjx-container").first.wait_for()
        return page

    yield open_lesson
    for page in pages:
        page.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_run_all(opened, name):
    """As cloned, and so not trusted, it shows its pictures; run, it shows them again, without an error."""
    page = opened(name)
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    count = sum("image/png" in data or "text/html" in data for data in shown)
    solutions = sum("solution" in cell["metadata"].get("tags", ()) for cell in cells)
    pictures = page.locator(".jp-OutputArea-output").locator("img, .walk .picture svg")
    pictures.nth(count - 1).wait_for()
    page.locator("details summary", has_text="A solution").nth(solutions - 1).wait_for()
    assert page.evaluate(FAULTS) == []

    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(state="attached")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    waiting = page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[*]")
    waiting.last.wait_for()
    waiting.first.wait_for(state="detached", timeout=180_000)  # two lessons train networks
    pictures.nth(count - 1).wait_for()
    assert pictures.count() == count
    assert page.evaluate(FAULTS) == []


@pytest.mark.slow
@pytest.mark.browser
def test_in_chinese(opened):
    """The same pictures, and the solutions folded."""
    page = opened(f"zh/{NAMES[0]}")
    solution = page.locator("details", has_text="参考答案").first
    solution.wait_for()
    assert page.evaluate(FAULTS) == []
    assert "def max_gate" not in solution.inner_text()
    solution.locator("summary").click()
    assert "def max_gate" in solution.inner_text()
