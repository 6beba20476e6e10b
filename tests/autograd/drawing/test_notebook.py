"""Pictures where they are looked at: JupyterLab, Notebook 7 and pages of nbconvert, in Chromium."""

import json
import subprocess
import sys
import uuid

import pytest

SETUP = (
    "from drawing.circuits import after_backward, lstm, neuron\n"
    "from autograd import draw\n"
    "f, L = after_backward(neuron), after_backward(lstm, 3)"
)
SHOWN = ["draw(f)", "draw(L)", "draw(f).step()", "draw(L).step()", "draw(f).step()"]
LAB, NOTEBOOK = "lab/tree", "notebooks"

# What each output shows: pictures as <img> or inline, at what width, how opaque their corner is, and the words beside.
OUTPUTS = """async () => await Promise.all([...document.querySelectorAll(".jp-OutputArea-output")].map(async output => {
  const image = output.querySelector("img"), inline = output.querySelector(".picture svg, svg[id^=graph]")
  let corner = null
  if (image) {
    await image.decode()
    const canvas = document.createElement("canvas"), brush = canvas.getContext("2d")
    brush.drawImage(image, 0, 0)
    corner = brush.getImageData(1, 1, 1, 1).data[3]
  }
  const picture = image ?? inline
  return {kind: image ? "img" : inline ? "svg" : "none", width: picture?.getBoundingClientRect().width ?? 0, corner,
          area: output.clientWidth, buttons: output.querySelectorAll("button").length, words: output.innerText}
}))"""


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """Write a notebook, as it is before it runs, twice, and as it comes from somebody else who has run it."""
    folder = tmp_path_factory.mktemp("notebooks")
    new = [cell(SETUP), *map(cell, SHOWN)]
    names = {}
    exec(SETUP, names)
    bundles = [eval(source, names)._repr_mimebundle_() for source in SHOWN]
    executed = [cell(SETUP), *map(cell, SHOWN, bundles)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for name, cells in (("new-lab", new), ("new-notebooks", new), ("executed", executed)):
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
        (folder / f"{name}.ipynb").write_text(json.dumps(content))
    return folder


def cell(source, bundle=None):
    """Write a cell of a notebook, with what it shows."""
    result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": bundle}
    outputs = [result] if bundle else []
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": outputs, "execution_count": 1,
            "id": uuid.uuid4().hex}  # fmt: skip


@pytest.fixture(scope="module")
def server(serve, notebooks):
    """Serve the notebooks."""
    return serve(notebooks)


@pytest.fixture
def opened(browser, server):
    """Open a notebook; nothing but this machine is asked for anything."""
    contexts = []

    def open_notebook(place, name, **options):
        context = browser.new_context(viewport={"width": 1400, "height": 4500}, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.strangers = []
        page.on("request", lambda request: request.url.startswith(("http", "ws")) and not request.url.startswith(
            (server, server.replace("http", "ws", 1))) and page.strangers.append(request.url))  # fmt: skip
        page.goto(f"{server}{place}/{name}.ipynb?token=secret&reset")
        page.locator(".jp-Notebook .jp-CodeCell").nth(len(SHOWN)).wait_for()
        return page

    yield open_notebook
    for context in contexts:
        context.close()


def step(page, i):
    return page.locator(".walk").nth(i).locator("output").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("place", [LAB, NOTEBOOK])
def test_executed_there(opened, place):
    """Pictures fill the width and bring their paper; buttons, slider and keys walk, each page of steps by itself."""
    page = opened(place, f"new-{place.partition('/')[0]}")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(state="attached")  # a kernel
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".walk output").nth(2).wait_for()
    shown = page.evaluate(OUTPUTS)
    assert [output["kind"] for output in shown] == ["img", "img", "svg", "svg", "svg"]
    assert all(500 < output["width"] <= output["area"] for output in shown)
    assert [output["corner"] for output in shown[:2]] == [255, 255]

    first = page.locator(".walk").first
    first.get_by_role("button", name="one step on").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert step(page, 0) == "step 3 of 11" and "0.1966" in first.locator(".caption").inner_text()
    first.locator("input").fill("5")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert step(page, 0) == "step 3 of 11"
    second = page.locator(".walk").nth(1)
    second.locator("g.node").first.click()
    assert "value (2, 3)" in second.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    assert second.get_by_role("dialog").count() == 0
    second.locator(".caption").click()
    page.keyboard.press("End")
    assert [step(page, i) for i in range(3)] == ["step 3 of 11", "step 78 of 78", "step 0 of 11"]
    assert page.strangers == []


@pytest.mark.browser
@pytest.mark.parametrize("place", [LAB, NOTEBOOK])
def test_not_trusted(opened, place):
    """A notebook that somebody else has executed: every picture, the steps in words, and no button that is dead."""
    page = opened(place, "executed")
    page.locator(".jp-OutputArea-output img").nth(4).wait_for()
    shown = page.evaluate(OUTPUTS)
    assert [output["kind"] for output in shown] == ["img"] * 5
    assert all(500 < output["width"] <= output["area"] and output["corner"] == 255 for output in shown)
    assert sum(output["buttons"] for output in shown) == 0
    assert [output["words"].split("\n")[0] for output in shown[2:]] == [f"All {n} steps in words" for n in (12, 79, 12)]
    page.locator(".jp-OutputArea-output summary").first.click()
    assert (
        "∂f/∂z = ∂f/∂f × local ∂f/∂z = 1 × 0.1966 = 0.1966"
        in page.locator(".jp-OutputArea-output li").nth(2).inner_text()
    )


@pytest.fixture(scope="module")
def converted(environment, notebooks, skip_without):
    """Convert the executed notebook to HTML."""
    skip_without("nbconvert")
    command = [sys.executable, "-m", "nbconvert", "executed.ipynb", "--to", "html"]
    done = subprocess.run(command, cwd=notebooks, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return notebooks / "executed.html"


def test_nbconvert(converted):
    """Each output is there once, as a picture that every page shows."""
    text = converted.read_text()
    assert text.count('src="data:image/svg+xml;base64,') == len(SHOWN) and "<svg" not in text


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_nbconvert_in_a_browser(browser, converted, scripts):
    """The HTML of a notebook: the same pictures, and with scripts pages that walk."""
    context = browser.new_context(viewport={"width": 1200, "height": 4500}, java_script_enabled=scripts)
    page = context.new_page()
    page.route(lambda url: not url.startswith(("file:", "data:", "blob:")), lambda route: route.abort())
    page.goto(converted.as_uri())
    pictures = page.locator(".jp-OutputArea-output img, .walk .picture svg")
    assert pictures.count() == 5
    assert all(500 < pictures.nth(i).bounding_box()["width"] < 1200 for i in range(5))
    assert page.locator(".walk button[data-go]").count() == (12 if scripts else 0)
    if scripts:
        page.locator(".walk").nth(2).get_by_role("button", name="last").click()
        assert [step(page, i) for i in range(3)] == ["step 0 of 11", "step 0 of 78", "step 11 of 11"]
    context.close()
