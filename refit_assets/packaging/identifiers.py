"""Java names for columns and classes, which may be called anything.

Belongs here: spelling, and keeping names apart. Does not: what is generated with them.
"""

import re
from collections.abc import Iterable, Sequence

_WORDS = re.compile(r"[^0-9A-Za-z]+")
_KEYWORDS = frozenset(  # as in the language's reference
    [
        "abstract",
        "assert",
        "boolean",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extends",
        "final",
        "finally",
        "float",
        "for",
        "goto",
        "if",
        "implements",
        "import",
        "instanceof",
        "int",
        "interface",
        "long",
        "native",
        "new",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "short",
        "static",
        "strictfp",
        "super",
        "switch",
        "synchronized",
        "this",
        "throw",
        "throws",
        "transient",
        "try",
        "void",
        "volatile",
        "while",
        "true",
        "false",
        "null",
        "_",
        "var",
        "record",
        "yield",
    ]
)
# What records and builders have already.
_TAKEN = frozenset(
    [
        "clone",
        "finalize",
        "getClass",
        "hashCode",
        "notify",
        "notifyAll",
        "toString",
        "wait",
        "equals",
        "builder",
        "build",
        "encoder",
        "size",
        "label",
        "value",
        "probability",
        "probabilities",
    ]
)


def camel(name: str) -> str:
    """Spell `sched_dep_minute`, `AGE` or `Wind speed` as `schedDepMinute`, `age`, `windSpeed`."""
    words = [word for word in _WORDS.split(name) if word]
    if not words:
        return "column"
    first, *rest = words
    first = first.lower() if first.isupper() else first[0].lower() + first[1:]
    spelt = first + "".join(map(_capital, rest))
    return f"n{spelt}" if spelt[0].isdigit() else spelt


def pascal(name: str) -> str:
    """Spell `on time` as `OnTime`; for the tail of a name, so that it may begin with a digit."""
    return "".join(_capital(word) for word in _WORDS.split(name) if word) or "Class"


def field_names(names: Sequence[str]) -> list[str]:
    """One Java field a column, in order, each different from all others."""
    return _unique(_escape(camel(name)) for name in names)


def probability_names(classes: Sequence[str], prefix: str) -> list[str]:
    """One Java field a class: `p` and `late` make `pLate`."""
    return _unique(prefix + pascal(label) for label in classes)


def is_class_name(name: str) -> bool:
    """Whether a Java class may be called that."""
    return re.fullmatch(r"[A-Z][0-9A-Za-z]*", name) is not None


def is_package_name(name: str) -> bool:
    """Whether a Java package may be called that."""
    parts = name.split(".")
    return all(re.fullmatch(r"[a-z][0-9a-z_]*", p) and p not in _KEYWORDS for p in parts)


def java_string(text: str) -> str:
    """Render a Java string literal; everything beyond ASCII is escaped."""
    # In UTF-16, as Java counts: an emoji is two escapes.
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return '"' + "".join(map(_literal, codes)) + '"'


def javadoc(text: str) -> str:
    """Make a text harmless within a Javadoc comment."""
    # In Java */ ends a comment, and a backslash with u is an escape even within one.
    escapes = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "\\": "&#92;", "*": "&#42;"}
    marked = "".join(escapes.get(character, character) for character in text)
    return " ".join(marked.replace("{", "&#123;").split())


def _capital(word: str) -> str:
    tail = word[1:].lower() if word.isupper() else word[1:]
    return word[0].upper() + tail


def _escape(name: str) -> str:
    return f"{name}_" if name in _KEYWORDS | _TAKEN else name


def _unique(names: Iterable[str]) -> list[str]:
    kept: list[str] = []
    seen: set[str] = set()
    for name in names:
        count, candidate = 1, name
        while candidate in seen:
            count += 1
            candidate = f"{name}_{count}"
        seen.add(candidate)
        kept.append(candidate)
    return kept


def _literal(code: int) -> str:
    if code in _ESCAPED:
        return _ESCAPED[code]
    printable = 0x20 <= code < 0x7F  # noqa: PLR2004 - the printable part of ASCII
    return chr(code) if printable else f"\\u{code:04x}"


# A line end as \uXXXX would end the line before the compiler sees a literal.
_ESCAPED = {0x0A: "\\n", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
