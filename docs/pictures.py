"""Make the README's pictures: run its Python blocks in this folder."""

import os
import re
from pathlib import Path

HERE = Path(__file__).parent

if __name__ == "__main__":
    readme = HERE.parent.joinpath("README.md").read_text(encoding="utf-8")
    os.chdir(HERE)
    namespace: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)
