"""The ratchet on sizes lets through what is short and names what is not."""

import pytest

from scripts import ratchet


def write_tree(root, module_lines, function_lines):
    """A tree with one module of so many lines, which holds one function of so many."""
    function = ["def long():", *["    pass"] * (function_lines - 1)]
    filler = ["# a line"] * (module_lines - len(function))
    (root / "package").mkdir()
    (root / "package" / "module.py").write_text("\n".join(function + filler) + "\n")


def test_the_limits_themselves_are_allowed(tmp_path, capsys):
    write_tree(tmp_path, ratchet.LONGEST_MODULE, ratchet.LONGEST_FUNCTION)
    assert ratchet.main(tmp_path) == 0
    assert "modules: 1, median 300 lines, longest 300 of 300 allowed (package/module.py)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module_lines", "function_lines", "complaint"),
    [
        (301, 40, "too long: module package/module.py: 301 lines"),
        (300, 41, "too long: function package/module.py:1 long: 41 lines"),
    ],
)
def test_one_line_more_is_not(tmp_path, capsys, module_lines, function_lines, complaint):
    write_tree(tmp_path, module_lines, function_lines)
    assert ratchet.main(tmp_path) == 1
    assert complaint in capsys.readouterr().out


def test_a_function_counts_from_def_and_nested_ones_count_too(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("@property\ndef outer():\n    async def inner():\n        return (1,\n                2)\n    return inner\n")
    assert [(piece.place, piece.lines) for piece in ratchet.pieces(module, "m") if piece.kind == "function"] == [
        ("m:2 outer", 5),
        ("m:3 inner", 3),
    ]


def test_an_empty_tree_is_no_error(tmp_path, capsys):
    assert ratchet.main(tmp_path) == 0
    assert "functions: none" in capsys.readouterr().out
