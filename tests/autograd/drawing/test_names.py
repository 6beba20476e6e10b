"""Names from users are text: whatever they hold, every format can be read, shows them, and does nothing they say."""

import base64
import json
import re
import subprocess
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from drawing.circuits import variable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograd import draw, scope
from autograd.drawing.model import visible
from nn import Linear, Module

HOSTILE = [
    'W:0 <b>&"\\N\\G\\l',
    "]]><script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "</title></style><img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    '"/><image href="http://example.org/x.png"/>',
    "' onclick='window.hacked=1' '",
    "javascript:window.hacked=1",
    '[x](javascript:window.hacked=1)',
    "http://example.org/x.png www.example.org a@example.org",
    '"] click n0 href "javascript:window.hacked=1"',
    "%%{init: {}}%% end ``` $$x$$ fa:fa-car",
    "&lt;b&gt; &amp; &#60; #60; #quot; ﬂ°°60¶ß",
    "-->\x00\x1b\u202eabc\u2066\ud800\uffff",
    "a\nb\r\nc\td\u2028e\x85f\x1cg",
    "| a | `b` | **c** | _d_ | \\| e",
    "${1} `${2}` {{3}} STATES ROOT LEGIBLE",
    "\\" * 9 + "N",
    "]",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 e\u0301 \U0001f600",
    "x" * 10_000,
]  # fmt: skip
CHARACTERS = st.one_of(st.characters(), st.sampled_from("\\\"<>&;{}|[]()`*_#$%'/:!\n\r\t\x00\u2028\u202e\ud800"))


def named(name):
    """A graph of three steps, with the name on tensors, the result, a scope and a module."""

    class Model(Module):
        def __init__(self):
            super().__init__()
            setattr(self, name or "layer", Linear(2, 2))

        def forward(self, x):
            return getattr(self, name or "layer")(x)

    x, model = variable(name, [[2.0, np.nan]]), Model()
    with scope(name):
        for t in (1, 2, 3):
            with scope(f"t={t}"):
                x = model(x) * variable(name, 2.0) + np.ones((1, 2))
    f = x.sum()
    f.name = name
    f.backward()
    return f


class Parts(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = [], set(), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes |= {(tag, name) for name, _ in attributes}
        for name, value in attributes:
            assert not name.startswith("on") and not (name in ("href", "src") and not value.startswith("data:"))

    def handle_data(self, data):
        self.text += data


def squeezed(text):
    """Without what line breaks and spaces do to a name, and the spaces of no width that hold signs apart."""
    return "".join(text.replace("\u200b", "").split())


def shapes(svg):
    root = ElementTree.fromstring(svg)
    return {(element.tag, name) for element in root.iter() for name in (*element.attrib, "")}, squeezed(
        "".join(root.itertext())
    )


def formats(name):
    """Everything that a drawing gives, as text. Nothing is folded, since that would depend on the width of the name."""
    f = named(name)
    drawing = draw(f, names={name: f.parents[0]}, expand="*")
    bundle = drawing._repr_mimebundle_()
    return {
        "svg": drawing.svg(),
        "html": drawing.step().html(),
        "bundle": bundle["text/html"],
        "plain": bundle["text/plain"],
        "dot": drawing.source,
        "mmd": drawing.mermaid(),
        "json": json.dumps(drawing.record(), ensure_ascii=False, allow_nan=False),
        "table": drawing.table(),
        "markdown": drawing.table(markdown=True),
    }


PLAIN = formats("plain")


def check(name):
    shown = squeezed(visible(name))
    found = formats(name)
    for text in found.values():
        text.encode()
    # XML: the same elements and attributes as with a plain name
    parts, words = shapes(found["svg"])
    assert parts <= shapes(PLAIN["svg"])[0] and shown in words
    # HTML: the same tags, in the same order where nothing depends on the layout; the picture in it is the one above
    page, plain = Parts(found["html"]), Parts(PLAIN["html"])
    assert page.tags == plain.tags and page.attributes == plain.attributes and shown in squeezed(page.text)
    assert base64.b64decode(re.search(r'base64,([^"]*)"', found["html"])[1]).decode() == found["svg"]
    assert set(Parts(found["bundle"]).tags) <= {"p", "div", "img"} and shown in squeezed(unescape(found["bundle"]))
    # JSON, and tables line by line
    assert {shown} <= {squeezed(node["label"]) for node in json.loads(found["json"])["nodes"]} or not shown
    for kind in ("table", "markdown", "plain"):
        assert len(found[kind].splitlines()) == len(PLAIN[kind].splitlines()), kind
    assert shown in squeezed(found["table"]) and found["plain"] == found["table"]
    rows = [re.split(r"(?<!\\)\|", line) for line in found["markdown"].splitlines() if line.startswith("|")]
    assert {len(row) for row in rows} == {6, 7}
    unescaped = re.sub(r"\\([^\w\s]|_)", r"\1", found["markdown"].replace("<!-- -->", ""))
    assert shown in squeezed(unescaped)
    # Mermaid: nothing of the name's stands outside quotes
    decoded = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), found["mmd"])
    assert shown in squeezed(decoded)
    assert bare(found["mmd"]) == bare(PLAIN["mmd"]) or not shown  # without a name, another role, another place


def bare(flowchart):
    """A flowchart without what stands in quotes, or depends on the room and the role that a name gives."""
    return re.sub(r'accTitle.*|flowchart \w\w|classDef.*\n|\|?[(\[]*"[^"\n]*"[)\]]*\|?|:::\w+', "", flowchart)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name):
    """One name of each kind, through every format."""
    check(name)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(CHARACTERS, min_size=1, max_size=60))
def test_any_name(name):
    """Whatever Hypothesis thinks of, through every format."""
    check(name)


def test_printed(tmp_path):
    """PNG and PDF, and `dot` itself, take every one of these names."""
    with scope(HOSTILE[0]):
        f = sum((variable(name, 1.0) for name in HOSTILE), start=variable("x", 2.0))
    drawing = draw(f, max_width=10_000)
    assert drawing.save(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert drawing.save(tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    done = subprocess.run(["dot", "-Tcanon"], input=drawing.source.encode(), capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr == b""


@pytest.mark.parametrize(
    "name, shown",
    [
        ("a\nb", "a b"),
        ("a\x00\x1b\u202eb", "ab"),
        ("\ud800x\uffff", "x"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 39 + "…"),
        ("  x ", "x"),
        ("\u200b", ""),
    ],
)
def test_visible(name, shown):
    """What is shown of a name: what can be printed, on one line, at most 40 characters."""
    assert visible(name) == shown


def test_markdown_is_parsed():
    """A parser of GitHub's Markdown sees two tables, and no mark, link or HTML of a name's."""
    mistune = pytest.importorskip("mistune", reason="mistune is not installed")
    render = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])
    for name in HOSTILE:
        page = Parts(render(draw(named(name)).table(markdown=True)))
        assert set(page.tags) <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
        assert page.tags.count("table") == 2 and squeezed(visible(name)) in squeezed(page.text)


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["html", "svg"])
def test_in_a_browser(browser, tmp_path, kind):
    """A page of hostile names, walked through, its arrays looked at: no script of theirs, no request, no error."""
    with scope(HOSTILE[2]):
        f = sum((variable(name, np.ones(2)) for name in HOSTILE), start=variable("x", np.ones(2))).sum()
    f.backward()
    path = draw(f).save(tmp_path / f"x.{kind}")
    context, faults = browser.new_context(), []
    page = context.new_page()
    for event in ("pageerror", "console", "dialog"):
        page.on(event, lambda what: faults.append(str(what)))
    page.on("request", lambda request: request.url.startswith(("data:", path.as_uri())) or faults.append(request.url))
    page.goto(path.as_uri())
    if kind == "html":
        for _ in range(5):
            page.locator("[data-go=on]").click()
        for box in page.locator("g.opens").all()[:30]:
            box.dispatch_event("click")
            page.keyboard.press("Escape")
        for summary in page.locator("summary").all():
            summary.click()
    assert page.evaluate("window.hacked") is None and faults == []
    assert page.locator("script").count() == (kind == "html")
    context.close()
