"""The step-through page: its words, what it may hold, and how it behaves in a browser."""

import base64
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from drawing.circuits import (
    CIRCUITS,
    after_backward,
    classifier,
    lstm,
    neuron,
    product_of_sum,
    square,
    staged,
    variable,
)

from autograd import Tensor, draw, scope
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


@pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
def test_order(make):
    """Every visible edge once; what sends a gradient has received all of it before."""
    composition = laid_out(after_backward(make))
    edges = [edge for edge in composition.picture.edges if edge.flows]
    order = [edge for _, edge in backward(composition)]
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
        assert page.locator(".edge.active").count() == (step > 1)
    assert page.faults == []


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
    page.locator("summary").click()
    assert page.locator("li").count() == 15 and page.locator("li").nth(11).is_visible()


@pytest.mark.browser
def test_reduced_motion_in_a_browser(opened):
    """Nothing moves for those who ask for that."""
    transition = "getComputedStyle(document.querySelector('.edge.done path')).transitionDuration"
    for choice, seconds in (("reduce", "0s"), ("no-preference", "0.2s")):
        page = opened(after_backward(square), reduced_motion=choice)
        page.locator("input").fill("4")
        assert page.evaluate(transition) == seconds
