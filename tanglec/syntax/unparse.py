"""From a tree back to text: `parse(unparse(tree)) == tree`, and unparsing that again gives the same text.

Comments are not part of the tree and do not come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tanglec.syntax import ast

TERNARY, OR, AND, NOT, COMPARE, SUM, TERM, FACTOR, PRIMARY = range(9)

LEVELS = {"or": OR, "and": AND, "+": SUM, "-": SUM, "*": TERM, "/": TERM, "//": TERM, "%": TERM}
LEVELS |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), COMPARE)

INDENT = "    "


def unparse(module: ast.Module) -> str:
    """The canonical text of a file: header, then the declarations in their order, a blank line around blocks."""
    lines = []
    if module.header is not None:
        title = f' "{module.header.title}"' if module.header.title else ""
        lines += [f"space {module.header.name.id}{title}", ""]
    for declaration in module.declarations:
        is_block = isinstance(declaration, ast.Block | ast.Network)
        if is_block and lines and lines[-1]:
            lines.append("")
        lines += _declaration(declaration)
        if is_block:
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def expression(expr: ast.Expr, level: int = TERNARY) -> str:
    """The text of an expression, in parentheses if it binds less than `level`."""
    text, own = _expression(expr)
    return f"({text})" if own < level else text


# --- declarations ----------------------------------------------------------------------------------------------------


def _declaration(declaration: ast.Declaration) -> Iterator[str]:
    match declaration:
        case ast.Use(library, names):
            yield f"use {library.id}: {_names(names)}"
        case ast.Param(name, value):
            yield f"param {name.id} = {expression(value)}"
        case ast.Input(name, kind, arguments):
            yield f"input {name.id}: {kind.id}({_values(arguments)})"
        case ast.Dim():
            yield _dim(declaration)
        case ast.Require(condition):
            yield f"require {expression(condition)}"
        case ast.Notation(name, keys):
            yield f"notation {name.id}: {', '.join(map(_renaming, keys))}"
        case ast.Block(name, parameters, body):
            yield f"block {name.id}({', '.join(map(_parameter, parameters))}):"
            yield from _body(body)
        case ast.Network(body):
            yield "network:"
            yield from _body(body)


def _dim(dim: ast.Dim) -> str:
    scope = f" per {dim.per.id}" if dim.per is not None else ""
    scope += f" of {_names(dim.of)}" if dim.of else ""
    return (
        f"dim {dim.name.id}{scope}: {', '.join(' | '.join(map(_choice, part.items)) for part in dim.lists)}"
    )


def _choice(choice: ast.Expr | ast.Range) -> str:
    if not isinstance(choice, ast.Range):
        return expression(choice, SUM)
    step = f" step {expression(choice.step, SUM)}" if choice.step is not None else ""
    return f"{expression(choice.start, SUM)}..{expression(choice.stop, SUM)}{step}"


def _renaming(renaming: ast.Renaming) -> str:
    dims = _names(renaming.dims)
    return f"{renaming.key.id}={f'[{dims}]' if renaming.listed else dims}"


def _parameter(parameter: ast.Parameter) -> str:
    default = "" if parameter.default is None else f"={expression(parameter.default)}"
    return f"{parameter.name.id}{default}"


# --- statements ------------------------------------------------------------------------------------------------------


def _body(statements: Sequence[ast.Stmt]) -> Iterator[str]:
    for statement in statements:
        yield from (INDENT + line for line in _statement(statement))


def _statement(statement: ast.Stmt) -> Iterator[str]:
    match statement:
        case ast.Assign(targets, values):
            yield from _valued(f"{_names(targets)} = ", values)
        case ast.AugAssign(target, operator, value):
            yield from _valued(f"{target.id} {operator}= ", (value,))
        case ast.Return(values):
            yield from _valued("return ", values)
        case ast.If(condition, then, otherwise):
            yield f"if {expression(condition)}:"
            yield from _body(then)
            if otherwise:
                yield "else:"
                yield from _body(otherwise)
        case ast.Repeat(count, index, body):
            yield f"repeat {expression(count)}{'' if index is None else f' as {index.id}'}:"
            yield from _body(body)


def _valued(lead: str, values: Sequence[ast.Expr]) -> Iterator[str]:
    if not isinstance(values[0], ast.Choose):
        yield lead + _values(values)
        return
    yield f"{lead}choose {values[0].dim.id}:"
    for arm in values[0].arms:
        yield from (INDENT + line for line in _arm(arm))


def _arm(arm: ast.Arm | ast.Entangled) -> Iterator[str]:
    if isinstance(arm, ast.Arm):
        yield f"{expression(arm.label)}: {expression(arm.value)}"
        return
    yield "entangled:"
    for inner in arm.arms:
        yield from (INDENT + line for line in _arm(inner))


# --- expressions -----------------------------------------------------------------------------------------------------


def _expression(expr: ast.Expr) -> tuple[str, int]:
    match expr:
        case ast.Number():
            return expr.text, PRIMARY
        case ast.Boolean(value):
            return str(value).lower(), PRIMARY
        case ast.Nothing():
            return "none", PRIMARY
        case ast.Name(id):
            return id, PRIMARY
        case ast.Call(callee, arguments):
            return f"{callee.id}({', '.join(map(_argument, arguments))})", PRIMARY
        case ast.List(items):
            return f"[{_values(items)}]", PRIMARY
        case ast.Index(value, index):
            return f"{expression(value, PRIMARY)}[{expression(index)}]", PRIMARY
        case ast.Slice(value, start, stop):
            return f"{expression(value, PRIMARY)}[{_bound(start)}..{_bound(stop)}]", PRIMARY
        case ast.Unary("not", operand):
            return f"not {expression(operand, NOT)}", NOT
        case ast.Unary(operator, operand):
            return f"{operator}{expression(operand, FACTOR)}", FACTOR
        case ast.Binary():
            return _binary(expr)
        case ast.Ternary(then, condition, otherwise):
            return (
                f"{expression(then, OR)} if {expression(condition, OR)} else {expression(otherwise)}",
                TERNARY,
            )
        case ast.Choose():
            raise ValueError("`choose` stands alone after `return`, `=` and `+=`")


def _binary(expr: ast.Binary) -> tuple[str, int]:
    """All operators but the comparisons, which do not chain, group to the left."""
    level = LEVELS[expr.operator]
    left = expression(expr.left, level + (level == COMPARE))
    return f"{left} {expr.operator} {expression(expr.right, level + 1)}", level


def _argument(argument: ast.Argument) -> str:
    return f"{'' if argument.name is None else f'{argument.name.id}='}{expression(argument.value)}"


def _bound(expr: ast.Expr | None) -> str:
    return "" if expr is None else expression(expr)


def _values(values: Sequence[ast.Expr]) -> str:
    return ", ".join(map(expression, values))


def _names(names: Sequence[ast.Name]) -> str:
    return ", ".join(name.id for name in names)
