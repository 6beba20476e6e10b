"""Make the notebooks from their sources: python notebooks/build.py [NUMBER ...] [--handout FOLDER]."""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat
from lesson import HERE, LANGUAGES, SOURCES, Lesson, read
from run import run

README = HERE / "README.md"
TABLE = re.compile(r"(?<=<!-- equations -->\n).*?(?=<!-- end of equations -->)", re.DOTALL)


def write(lesson: Lesson, folder: Path = HERE, handout: bool = False) -> list[Path]:
    """Write a lesson in every language, with the outputs of one run. Returns the paths.

    A handout has neither solutions nor outputs, and a check in it raises until its exercise is solved.
    """
    outputs = None if handout else run(lesson.code(), HERE)
    paths = []
    for language in LANGUAGES:
        paths.append(path := lesson.path(language, folder))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(lesson.notebook(language, outputs, handout)) + "\n", encoding="utf-8")
    return paths


def equations(lessons: list[Lesson]) -> str:
    """Write the table of the texts' equations, each with the lesson and the section that compute it first.

    Raises ValueError for an equation that no cell names, and for a name that is no equation's.
    """
    texts = tomllib.loads((HERE / "source" / "equations.toml").read_text("utf-8"))
    where: dict[str, tuple[Lesson, str]] = {}
    for lesson in lessons:
        section = ""
        for part in lesson.parts:
            section = (re.findall(r"^## (.*)", part.prose.get("en", ""), re.MULTILINE) or [section])[-1]
            for name in part.equations:
                where.setdefault(name, (lesson, section))
    lines = ["| text | equation | | lesson | section |", "| --- | --- | --- | --- | --- |"]
    for key, text in texts.items():
        for label, formula in text["equations"].items():
            if (place := where.pop(f"{key} {label}", None)) is None:
                raise ValueError(f'no code cell has equations=["{key} {label}"]; equations.toml lists it.')
            lesson, section = place
            link = f"[{lesson.title()}]({lesson.name}.ipynb)"
            lines.append(f"| [{key}]({text['url']}) | {label} | {formula} | {link} | {section} |")
    if where:
        raise ValueError(f"equations.toml does not list {', '.join(where)}.")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the notebooks from notebooks/source, with their outputs.")
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="lessons to make, such as 03; by default all")
    parser.add_argument("--handout", type=Path, metavar="FOLDER", help="write handouts there instead: no solutions, "
                        "no outputs, and a check that raises until its exercise is solved")  # fmt: skip
    options = parser.parse_args()
    lessons = [read(path) for path in SOURCES]
    if unknown := set(options.numbers) - {lesson.number for lesson in lessons}:
        parser.error(f"no lesson {', '.join(sorted(unknown))}; there are {', '.join(x.number for x in lessons)}.")
    for lesson in lessons:
        if lesson.number in (options.numbers or [lesson.number]):
            paths = write(lesson, options.handout or HERE, handout=options.handout is not None)
            print(*paths, sep="\n")
    if options.handout is None:
        table = equations(lessons)
        README.write_text(TABLE.sub(lambda _: table, README.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
