"""The step-through page: its words, what it may hold, and how it behaves in a browser."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from drawing.circuits import (
    CIRCUITS,
    after_backward,
    classifier,
    gate_lstm,
    lstm,
    neuron,
    product_of_sum,
    square,
    staged,
    variable,
)

from autograd import Tensor, draw, scope
from autograd.drawing.model import Fold
from autograd.drawing.number import number
from autograd.drawing.step import backward, walk


def captions(steps):
    """The steps in words, without colours."""
    items = re.findall(r"<li>(.*?)</li>", steps.html(), re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", item)).split()) for item in items]


def laid_out(output, **options):
    drawing = draw(output, **options)
    drawing.svg()
    return drawing._composition


def test_chain_rule_in_numbers():
    """CS231n's first circuit, step by step."""
    assert captions(draw(after_backward(product_of_sum)).step()) == [
        "The forward pass is done: every value ▶ and every local gradient ∂ is known, no gradient ◀ yet.",
        "Start at f : ∂f/∂f = 1 .",
        "f → q ∂f/∂q = ∂f/∂f × local ∂f/∂q = 1 × (−4) = −4 . ∂f/∂q = z = −4 because f = q × z.",
        "f → z ∂f/∂z = ∂f/∂f × local ∂f/∂z = 1 × 3 = 3 . ∂f/∂z = q = 3 because f = q × z.",
        "q → x ∂f/∂x = ∂f/∂q × ∂q/∂x = −4 × 1 = −4 . ∂q/∂x = 1 because q = x + y.",
        "q → y ∂f/∂y = ∂f/∂q × ∂q/∂y = −4 × 1 = −4 . ∂q/∂y = 1 because q = x + y.",
        "Done. Every gradient ◀ is complete.",
    ]


def test_running_sum():
    """Where paths meet, += and the sum so far; x * x are two steps."""
    words = captions(draw(after_backward(staged)).step())
    arrivals = [line for line in words if "→ x " in line]
    assert [re.search(r"contribution .*", line)[0] for line in arrivals] == [
        "contribution 1 of 3, so far 1.583 .",
        "contribution 2 of 3, so far −0.03576 + 1.583 = 1.547 .",
        "contribution 3 of 3; together 0.5121 − 0.03576 + 1.583 ≈ 2.06 , complete.",
    ]
    assert all("∂f/∂x +=" in line for line in arrivals)
    states = walk(laid_out(after_backward(square)))
    assert [state.shows for state in states[2:4]] == ["3", None] and len({state.edge for state in states[2:4]}) == 2


def test_arrays_in_words():
    """Arrays: a named factor or entry by entry, with sizes and shapes."""
    words = captions(draw(after_backward(classifier)).step())
    assert any(
        re.search(r"→ W2 ∂loss/∂W2 = hᵀ @ ◀ , where ◀ is ∂loss/∂v3 : .*\(8, 5\) → .*\(16, 5\)", w) for w in words
    )
    assert any("∂loss/∂v2 = ∂loss/∂h · ∂h/∂v2 , entry by entry" in w and "1−h²" in w for w in words)
    words = captions(draw(after_backward(lstm, 20)).step())
    assert any("which comes out of ⋯ t=2…19 · 18 steps (306 ops, folded)" in w for w in words)


def test_shared_weights_in_words():
    """The sum over all uses, those inside folds as well: the norm of what has arrived, checked against the arrays."""
    words = captions(draw(after_backward(lstm)).step())
    arrivals = [w for w in words if "→ W_x " in w]
    f = lstm()
    f.backward()
    W_x = next(node for node in draw(f)._picture.nodes if node.label == "W_x")
    late = sum(edge.sent.entries for edge in W_x.outgoing[1:])
    assert "W_x is used 3 times : contribution 1 of 3" in arrivals[0]
    assert f"contribution 2 of 3, so far ‖{number(np.linalg.norm(late), 3)}‖ after 2 of 3 ." in arrivals[1]
    assert f"contribution 3 of 3; together ‖{number(W_x.gradient.norm, 3)}‖ , complete." in arrivals[2]
    words = captions(draw(after_backward(lstm, 20)).step())
    (inside,) = (w for w in words if w.startswith("⋯ t=2…19 · 18 steps → W_x, W_h, b "))
    assert re.search(r"∂L/∂b : 18 of 20 uses are in here; so far ‖1.21‖ after 19 of 20 \.", inside)
    assert any("b is used 20 times : contribution 20 of 20; together ‖1.21‖ , complete." in w for w in words)
    grid = captions(draw(after_backward(lstm, 5)).step())
    assert sum("are in here" in w for w in grid) == 5 and sum("all have arrived" in w for w in grid) == 1
    many = captions(draw(after_backward(gate_lstm)).step())
    assert any("→ W_xi, W_hi, b_i " in w for w in many)


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_panel(make):
    """Every shared weight receives each of its uses once, and is complete at the end."""
    composition = laid_out(after_backward(make))
    seen = {}
    for state in walk(composition):
        for i, so_far, uses in state.panel:
            assert set(seen.get(i, ())) < set(uses)
            seen[i] = uses
            assert (so_far is None) == (len(uses) == sum(e.flows for e in composition.picture.weights[i].outgoing))
    assert sorted(seen) == list(range(len(composition.picture.weights)))
    assert all(len(uses) == len(composition.picture.weights[i].outgoing) for i, uses in seen.items())


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_order(make):
    """Every visible edge once; what sends a gradient has received all of it before."""
    composition = laid_out(after_backward(make))
    edges = [edge for edge in composition.picture.edges if edge.flows]
    order = [moved for _, moved in backward(composition) if not isinstance(moved, Fold)]
    assert len(order) == len(edges) and set(order) == set(edges)
    for i, edge in enumerate(order):
        later = {composition.shown(e.source) for e in order[i:]}
        assert edge.target not in later


def test_a_scope_entered_twice():
    """A fold that is fed by what it feeds: no order is right, every edge has its step all the same."""
    x, s = variable("x", 2.0), scope("s")
    with s:
        a = x * x * x
    b = a * x
    with s:
        c = b * b * b
    c.backward()
    composition = laid_out(c, max_nodes=4)
    assert [fold.label for fold in composition.picture.folds] == ["s"]
    assert len(backward(composition)) == sum(edge.flows for edge in composition.picture.edges)


class Parts(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found += [tag, *((tag, name) for name, _ in attributes)]


@pytest.mark.parametrize(
    "name", ['<img src=x onerror=alert(1)>&"\\N', "</script><script>alert(1)</script>", "]]>", "x" * 99]
)
def test_a_name_is_text(name, tmp_path):
    """Names of tensors and scopes add nothing to the page; they are shown."""

    def page(name):
        with scope(name):
            f = variable(name, 2.0) * variable("y", 3.0)
        f.name = name
        f.backward()
        return draw(f).save(tmp_path / "x.html").read_text()

    assert Parts(page(name)).found == Parts(page("plain")).found
    assert name[:30] in " ".join(unescape(page(name)).split())


def test_nothing_is_loaded():
    """The page forbids every request, and holds the finished picture for where scripts are off."""
    drawing = draw(after_backward(neuron))
    page = drawing.step().html()
    assert "default-src 'none'" in page and not re.search(r'(?:src|href)="(?!data:)', page) and "url(" not in page
    digest = re.search(r"script-src 'sha256-([^']*)'", page)[1]
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    assert base64.b64decode(digest) == hashlib.sha256(script.encode()).digest() and "unsafe-inline'; script" in page
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', page)[1]
    assert base64.b64decode(data).decode() == drawing.svg()


def test_save_and_notebook(tmp_path):
    """Both ways to save write the same page; a notebook gets the fragment, and a table."""
    drawing = draw(after_backward(square))
    steps = drawing.step()
    assert steps.save(tmp_path / "a.html").read_bytes() == drawing.save(tmp_path / "b.html").read_bytes()
    bundle = steps._repr_mimebundle_()
    assert bundle["text/html"] in steps.html() and bundle["text/plain"] == drawing.table()
    with pytest.raises(ValueError, match=r"saved as \.html; 'x\.svg' came"):
        steps.save(tmp_path / "x.svg")


def test_before_backward():
    """Without gradients there is nothing to walk through, and the error says what to do."""
    with pytest.raises(ValueError, match=r"call f\.backward\(\) first"):
        draw(square()).step()
    with pytest.raises(ValueError, match="no gradient to follow"):
        draw(Tensor(1.0)).step()


# ---- in a browser ----


@pytest.fixture
def opened(browser, tmp_path):
    """Open the page of a tensor; errors and requests of the page are kept beside it."""
    contexts = []

    def open_page(output, style="nodes", **options):
        path = draw(output, style=style).save(tmp_path / "x.html")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda message: page.faults.append(message.text))
        page.on(
            "request", lambda request: request.url.startswith(("file:", "data:")) or page.faults.append(request.url)
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def box(page, name):
    """The words in the box of this name."""
    return (
        page.locator("g.node", has=page.locator(f'xpath=.//*[text()="{name}"]'))
        .first.locator("text")
        .all_text_contents()
    )


@pytest.mark.browser
def test_walk_in_a_browser(opened):
    """Keys, buttons and the slider go to the same states; gradients arrive, and at the end the picture is finished."""
    page = opened(after_backward(staged))
    assert page.locator("output").inner_text() == "step 0 of 14"
    assert "◀\u00a0–" in box(page, "x") and page.locator(".edge.done, .edge.active").count() == 0
    for key, step in (("ArrowRight", 1), ("End", 1), ("ArrowLeft", 0)):  # nothing has the focus yet
        page.keyboard.press(key)
        assert page.locator("output").inner_text() == f"step {step} of 14"
    page.locator(".walk").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert page.locator("output").inner_text() == "step 9 of 14" and page.locator(".edge.active").count() == 1
    page.get_by_label("one step back").click()
    page.locator("input").focus()
    page.keyboard.press("ArrowRight")  # one step, not two
    assert page.locator("output").inner_text() == "step 9 of 14"
    page.locator("input").fill("10")
    assert "−0.03576 + 1.583 = 1.547" in page.locator(".caption").inner_text()
    assert "◀\u00a0−0.03576 + 1.583 = 1.547" in box(page, "x")
    assert page.locator(".token").count() == 1
    page.keyboard.press("End")
    assert "◀\u00a00.5121 − 0.03576 + 1.583 ≈ 2.06" in box(page, "x")
    assert page.locator(".waiting, .partial, .active, .token").count() == 0 and page.locator(".edge.done").count() == 12
    page.get_by_role("button", name="first").click()
    assert page.locator("output").inner_text() == "step 0 of 14"
    assert page.faults == []


@pytest.mark.browser
@pytest.mark.parametrize("make, args", [(lstm, (3,)), (lstm, (20,)), (classifier, ()), (square, ())])
def test_every_state_in_a_browser(opened, make, args):
    """Every step lights an edge that is there, and receives in a box that is there."""
    page = opened(after_backward(make, *args))
    last = int(page.locator("input").get_attribute("max"))
    for step in range(1, last):
        page.locator("input").fill(str(step))
        assert page.locator(".node.receiving").count() == 1
        inside = "uses are in here" in page.locator(".caption").inner_text()
        assert page.locator(".edge.active").count() == (step > 1 and not inside)
    assert page.faults == []


@pytest.mark.browser
def test_what_is_so_far_fits_in_a_browser(opened):
    """A box has room for the finished gradient; "1 of 2" does not run over its border either."""
    page = opened(after_backward(lstm, 3))
    over = """[...document.querySelectorAll("g.node text")].filter(text => text.textContent.includes(" of ") &&
      text.getBBox().x + text.getBBox().width > text.parentNode.querySelector("path").getBBox().x +
      text.parentNode.querySelector("path").getBBox().width - 2).length"""
    shown = 0
    for step in range(int(page.locator("input").get_attribute("max"))):
        page.locator("input").fill(str(step))
        shown += page.locator("g.node text", has_text=" of ").count()
        assert page.evaluate(over) == 0
    assert shown > 0


@pytest.mark.browser
def test_circuit_in_a_browser(opened):
    """On a circuit the gradients come to the wires, their sum to the box of the leaf; gates and boxes receive."""
    page = opened(after_backward(staged), style="circuit")
    shown = "[...document.querySelectorAll('.edge text')].filter(t => t.textContent.startsWith('◀') && "
    shown += "getComputedStyle(t).visibility === 'visible').length"
    thick = "getComputedStyle(document.querySelector('.node.receiving').children[1]).strokeWidth"
    assert page.evaluate(shown) == 0
    for step in range(1, 14):
        page.locator("input").fill(str(step))
        assert page.locator(".node.receiving").count() == 1 and page.evaluate(thick) == "3.2px"
        assert page.locator(".edge.active").count() == (step > 1) and page.evaluate(shown) == step - 1
    page.locator("input").fill("10")
    assert "◀\u00a0−0.03576 + 1.583 = 1.547" in box(page, "x")
    assert page.faults == []


@pytest.mark.browser
@pytest.mark.parametrize("make, args", [(classifier, ()), (lstm, (3,)), (lstm, (20,))])
def test_before_and_after_in_a_browser(opened, make, args):
    """At first no gradient of an array shows, not where one is cut short, nor a shared weight's; at the end all do."""
    page = opened(after_backward(make, *args))
    visible = "[...document.querySelectorAll('svg text')].filter(t => t.textContent.startsWith('‖') && "
    visible += "getComputedStyle(t).visibility === 'visible').length"
    assert page.evaluate(visible) == 0
    page.locator(".walk").focus()
    page.keyboard.press("End")
    assert page.evaluate(visible) >= 3


@pytest.mark.browser
def test_without_scripts_in_a_browser(opened):
    """The finished picture and all steps in words; no dead buttons."""
    page = opened(after_backward(staged), java_script_enabled=False)
    assert page.locator("img").bounding_box()["width"] > 500
    assert not page.locator("button").first.is_visible() and not page.locator(".caption").is_visible()
    page.locator("summary", has_text="steps in words").click()
    assert page.locator("li").count() == 15 and page.locator("li").nth(11).is_visible()


@pytest.mark.browser
def test_reduced_motion_in_a_browser(opened):
    """Nothing moves for those who ask for that."""
    transition = "getComputedStyle(document.querySelector('.edge.done path')).transitionDuration"
    for choice, seconds in (("reduce", "0s"), ("no-preference", "0.2s")):
        page = opened(after_backward(square), reduced_motion=choice)
        page.locator("input").fill("4")
        assert page.evaluate(transition) == seconds


# Whether the ends of the line that is lit lie at boxes; and the boxes.
ENDS = """() => {
  const line = document.querySelector(".edge.active path"), matrix = line.getScreenCTM()
  return [0, line.getTotalLength()].map(at => {
    const point = line.getPointAtLength(at).matrixTransform(matrix)
    return Math.min(...[...document.querySelectorAll("g.node[tabindex]")].map(box => {
      const {left, right, top, bottom} = box.querySelector("title + *").getBoundingClientRect()
      return Math.hypot(Math.max(left - point.x, 0, point.x - right), Math.max(top - point.y, 0, point.y - bottom))
    }))
  })
}"""


@pytest.mark.browser
@pytest.mark.parametrize("steps", [3, 5, 20])
def test_whole_lines_in_a_browser(opened, steps):
    """What lights up reaches from box to box, also where a line goes round corners between time steps."""
    page = opened(after_backward(lstm, steps), viewport={"width": 1300, "height": 1000})
    for step in range(2, int(page.locator("input").get_attribute("max"))):
        page.locator("input").fill(str(step))
        if page.locator(".edge.active").count():
            assert max(page.evaluate(ENDS)) < 12, page.locator(".caption").inner_text()


@pytest.mark.browser
def test_arrays_in_a_browser(opened):
    """A click, or Enter where the focus is, opens the arrays of a box; Esc closes them; the focus returns."""
    page = opened(after_backward(classifier))
    dialog, node = page.locator("dialog"), page.get_by_role("button", name="logp = ")
    node.focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible() and dialog.locator("h3").inner_text() == "logp = log_softmax(v4)"
    assert dialog.locator("table").count() == 1 and dialog.locator("td").count() == 40
    assert "nothing has arrived, at this step" in dialog.inner_text()
    page.keyboard.press("ArrowRight")  # scrolls what is open; the walk stays where it is
    page.keyboard.press("Escape")
    assert not dialog.is_visible() and page.locator("output").inner_text() == "step 0 of 14"
    assert page.evaluate("document.activeElement.id") == node.get_attribute("id")
    page.keyboard.press("End")
    node.click()
    assert dialog.locator("table").count() == 2 and dialog.locator("td").count() == 80
    dialog.get_by_role("button", name="close").click()
    assert not dialog.is_visible()
    tabs = page.evaluate(
        "[...document.querySelectorAll('g.opens')].every(n => n.tabIndex === 0 && n.matches('[role=button]'))"
    )
    assert tabs and page.faults == []


@pytest.mark.browser
def test_arrays_at_a_step_in_a_browser(opened):
    """What opens says what has arrived by then: at a gate, at a value that is used again, at what leaves a fold."""

    def at(page, step, name):
        page.locator("input").fill(str(step))
        page.get_by_role("button", name=name).first.click()
        words = page.locator("dialog").inner_text()
        page.keyboard.press("Escape")
        return words

    gates = opened(after_backward(staged), style="circuit")
    assert "nothing has arrived" in at(gates, 3, "xpy = x + y") and "◀ gradient 1.583" in at(gates, 10, "xpy = x + y")
    assert "so far −0.03576 + 1.583 = 1.547, at" in at(gates, 10, "x, input") and "2.06" in at(gates, 11, "x, input")
    folded = opened(after_backward(lstm, 20))
    before, after = (at(folded, step, "⋯ t=2…19") for step in (1, 25))
    assert before.count("nothing has arrived") == 2 and after.count("◀ gradient (2, 4)") == 2


@pytest.mark.browser
def test_shared_weights_in_a_browser(opened):
    """The panel counts the uses that have arrived, and shows a cell of the strip for each; aliases open the weight."""
    page = opened(after_backward(lstm), viewport={"width": 1200, "height": 1000})
    seen, cells = [], []
    strip = """[...document.querySelectorAll(".graph > polygon")].filter(cell => {
      const {width, height} = cell.getBoundingClientRect()
      return width < 8 && height > 11 && getComputedStyle(cell).visibility === "visible"
    }).length"""
    for step in range(int(page.locator("input").get_attribute("max")) + 1):
        page.locator("input").fill(str(step))
        seen += [t for t in page.locator(".graph > text").all_text_contents() if "after" in t or "sum of" in t]
        cells.append(page.evaluate(strip))
    for uses in (1, 2):
        assert any(t.endswith(f"after {uses} of 3") for t in seen), seen
    assert cells[0] == 0 and cells == sorted(cells) and cells[-1] == 9
    page.locator("g.node", has_text="W_h").first.click()
    assert page.locator("dialog h3").inner_text() == "W_h, parameter" and page.locator("dialog table").count() == 2
    page.keyboard.press("Escape")
    page.get_by_label("arrays of b").focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog h3").inner_text() == "b, parameter" and page.faults == []


@pytest.mark.browser
def test_arrays_without_scripts_in_a_browser(opened):
    """Every array is there without scripts as well."""
    page = opened(after_backward(classifier), java_script_enabled=False)
    page.locator(".arrays summary").click()
    assert page.locator("section").count() == 14 and page.locator("section").nth(5).is_visible()
    assert not page.locator("dialog").is_visible()


@pytest.mark.browser
def test_a_narrow_window_in_a_browser(opened):
    """On a telephone the picture scrolls instead of shrinking until nothing can be read; what receives is in view."""
    page = opened(after_backward(staged), viewport={"width": 400, "height": 800})
    page.locator("input").fill("11")
    assert page.locator("svg").bounding_box()["width"] > 500
    box = page.locator(".receiving").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 400
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.browser
def test_spoken_in_a_browser(opened):
    """What a screen reader finds: boxes as buttons with a sentence, the caption as what is announced."""
    page = opened(after_backward(product_of_sum))
    assert page.get_by_role("button", name="q = x + y; value 3; gradient −4").count() == 1
    assert page.locator(".caption").get_attribute("aria-live") == "polite"
