"""Makes `docs/client.md` from the client's docstrings: `.venv/bin/python -m docs.make_client_reference`.

The docstrings are in Google's style, with examples for `doctest`. The source is parsed and not imported, so that the
page is the same with every version of Python.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

CLIENT = Path(__file__).parent.parent / "crypt_api/client"
PAGE = Path(__file__).parent / "client.md"
CLASSES = [
    ("client.py", "Client"),
    ("async_client.py", "AsyncClient"),
    ("attachments.py", "Attachment"),
    ("messages.py", "Message"),
    ("messages.py", "File"),
    ("messages.py", "AsyncMessage"),
    ("messages.py", "AsyncFile"),
    ("receipts.py", "Sent"),
    ("receipts.py", "Asked"),
    ("receipts.py", "Question"),
    ("receipts.py", "Receipt"),
]

INTRODUCTION = """\
# The Python client

<!-- `docs/make_client_reference.py` makes this page from the docstrings in `crypt_api/client`. -->

The package's extra `client` installs it.
Everything on this page can be imported from `crypt_api`.
The messages are sealed, as `docs/protocol.md` specifies: only the link opens them, and the service cannot read them.
The exceptions are the three methods for plain messages.
"""

EXAMPLES = """\
## In a web framework

A form of yours takes a text and files, and gives back a link; the request is one of Starlette or FastAPI.
An upload is an open file, so nothing of it is in memory as a whole.
A timeout of your own, or a visitor who leaves, cancels the call, and its parts are deleted.

```pycon
>>> async def contact(request):
...     form = await request.form()
...     files = [Attachment(it.file, it.filename, it.content_type) for it in form.getlist("files")]
...     async with AsyncClient("https://example.org", timeout=10) as client:
...         sent = await client.send(form["text"], files=files, ttl=86_400)
...     return {"link": sent.link}
```

## In a chat bot

Somebody sends the bot a link, and the bot saves the files and says what came.
A link that was read before is worth a warning: somebody else knows it.

```pycon
>>> def save_all(link, folder):
...     try:
...         with Client("https://example.org") as client, client.reading(link) as message:
...             for number, file in enumerate(message.files):
...                 (folder / str(number)).mkdir(parents=True)
...                 file.save(folder / str(number))
...     except errors.AlreadyRead as error:
...         return f"Somebody has read it before, at {error.at:%H:%M}."
...     return f"{len(message.files)} files, and: {message.text}"
```
"""

ERRORS = """\
## Errors

`from crypt_api import errors` gives you the classes.
A class that is listed under another one is a subclass of it.
The text of an error is for people: compare classes and attributes, not texts.
"""

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def reference() -> str:
    """Give the whole page."""
    parts = [INTRODUCTION]
    for file, name in CLASSES:
        source = (CLIENT / file).read_text()
        [kind] = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name]
        parts.extend(class_section(kind, source))
    parts.extend((EXAMPLES, ERRORS))
    tree = ast.parse((CLIENT / "errors.py").read_text())
    parts.append("\n".join(error_items([node for node in tree.body if isinstance(node, ast.ClassDef)], "Exception")))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def class_section(kind: ast.ClassDef, source: str) -> Iterator[str]:
    """Give a class and its public methods. Methods whose docstring only refers to others are listed in one block."""
    yield f"## `{kind.name}`\n"
    yield from docstring(kind)
    methods = [node for node in kind.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [node for node in methods if ast.get_docstring(node) and (node.name[0] != "_" or node.name == "__init__")]
    listed = [node for node in public if str(ast.get_docstring(node)).startswith("See `")]
    if listed:
        yield python("\n".join(signature(node, source) for node in public))
        return
    for node in public:
        yield f"### `{kind.name}.{node.name}`\n"
        yield python(signature(node, source))
        yield from docstring(node)


def error_items(kinds: list[ast.ClassDef], base: str, indent: str = "") -> Iterator[str]:
    """Give the errors below `base` as a list, with lists within it."""
    for kind in kinds:
        if ast.unparse(kind.bases[0]) == base:
            description, sections = parse_docstring(kind)
            yield item(kind.name, description.replace("\n\n", " "), indent)
            for name, text in entries(sections.get("Attributes", "")):
                yield item(f"{kind.name}.{name}", text, indent + "  ")
            yield from error_items(kinds, kind.name, indent + "  ")


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, source: str) -> str:
    """Give the source from the decorators to the colon."""
    start = min(part.lineno for part in (node, *node.decorator_list)) - 1
    return textwrap.dedent("\n".join(source.splitlines()[start : node.body[0].lineno - 1])).rstrip().rstrip(":")


def docstring(node: Documented) -> Iterator[str]:
    description, sections = parse_docstring(node)
    yield "\n\n".join(sentences(paragraph) for paragraph in description.split("\n\n")) + "\n"
    types = {
        str(ast.unparse(field.target)): ast.unparse(field.annotation)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    }
    for title in ("Attributes", "Args", "Raises"):
        if title in sections:
            items = [item(name, text, kind=types.get(name, "")) for name, text in entries(sections[title])]
            yield f"{'Arguments' if title == 'Args' else title}:\n\n" + "\n".join(items) + "\n"
    if "Example" in sections:
        yield f"```pycon\n{sections['Example']}\n```\n"


def parse_docstring(node: Documented) -> tuple[str, dict[str, str]]:
    """Give the description, and the text of each section by its title."""
    text = ast.get_docstring(node) or ""
    description, *rest = re.split(r"^(Attributes|Args|Raises|Example):\n", text, flags=re.MULTILINE)
    bodies = [textwrap.dedent(body).strip("\n") for body in rest[1::2]]
    return description.strip(), dict(zip(rest[::2], bodies, strict=True))


def entries(section: str) -> list[tuple[str, str]]:
    """Give name and text of each entry, such as `ttl: Seconds`; a text may go on in indented lines."""
    return re.findall(r"^(\w+): (.*(?:\n .*)*)", section, re.MULTILINE)


def item(name: str, text: str, indent: str = "", kind: str = "") -> str:
    shown = f"`{name}` (`{kind}`)" if kind else f"`{name}`"
    return textwrap.indent(f"- {shown}: " + sentences(text).replace("\n", "\n  "), indent)


def sentences(text: str) -> str:
    """Give the text with one sentence a line."""
    return re.sub(r"(?<=[.?!]) (?=[A-Z`])", "\n", " ".join(text.split()))


def python(code: str) -> str:
    return f"```python\n{code}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(reference())
