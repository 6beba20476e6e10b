"""The README: what it shows runs, and prints what it says."""

import re
import tokenize
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_every_block_runs_and_prints_what_its_comments_say(tmp_path, monkeypatch, capsys):
    """One after the other, in one namespace, as a reader would paste them."""
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), namespace)
        expected = re.findall(r"^print\(.*\) +# (.*)$", block, flags=re.MULTILINE)
        printed = capsys.readouterr().out
        if "print(stage(" in block:
            assert printed.strip() == BLOCKS[BLOCKS.index(block) + 1].strip()
        assert printed.splitlines()[: len(expected)] == expected or not expected
    assert len(BLOCKS) >= 4
    assert {path.name for path in tmp_path.iterdir()} == {"neuron.svg", "lstm.svg"}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)h][^)]*)\)", README))))
def test_every_link_into_the_repository_leads_somewhere(path):
    """Files that the README links to exist."""
    assert (Path(__file__).parents[1] / path).exists()


def test_the_engine_is_small_enough_to_read_in_one_sitting(capsys):
    """Print the size of the engine and of the table of ops: lines of code, without comments and docstrings."""
    autograd = Path(__file__).parents[1] / "autograd"
    engine = {name: lines_of_code(autograd / f"{name}.py") for name in ("op", "graph", "chainrule", "tensor", "call")}
    messages = lines_of_code(autograd / "explain.py")
    table = {path.stem: lines_of_code(path) for path in sorted((autograd / "ops").glob("*.py"))}
    with capsys.disabled():
        print(f"\nengine: {sum(engine.values())} lines {engine}\nits messages: {messages} lines")
        print(f"table of ops: {sum(table.values())} lines {table}")
    assert sum(engine.values()) < 750


def lines_of_code(path):
    """Count the lines that hold a token which is not a comment, a docstring or white space."""
    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type not in no_code and not token.string.startswith('"""'):
                lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)
