"""The menu as JSON: the body of PUT …/menu/draft."""

from __future__ import annotations

import msgspec

from api.menu_files.reading import CellProblem, Read
from api.wording import problem_in_words
from pricing.menu import Menu
from pricing.menu_check import problems_of


def write_json(menu: Menu) -> bytes:
    """The menu, indented for people."""
    return msgspec.json.format(msgspec.json.encode(menu), indent=1)


def read_json(body: bytes) -> Read:
    """The menu of a file; every problem is named by its path, in the place of a column."""
    try:
        menu = msgspec.json.decode(body, type=Menu)
    except msgspec.ValidationError as error:
        problem, _, at = str(error).partition(" - at ")
        path = at.strip("`") or "$"
        return Read(problems=[_problem(path, problem_in_words(problem, path, Menu))])
    except (ValueError, RecursionError) as error:
        return Read(problems=[_problem("$", f"no JSON: {error}")])
    problems = [_problem(found.path, found.problem) for found in problems_of(menu)]
    return Read(menu=None if problems else menu, rows=len(menu.dishes), problems=problems)


def _problem(path: str, problem: str) -> CellProblem:
    return CellProblem(sheet="", row=0, column=path, problem=problem, value="")
