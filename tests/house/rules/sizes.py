"""Files and functions that can be read at one go."""
import ast
import re

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
SUFFIXES = (".h", ".cpp", ".py", ".js", ".css", ".html", ".cmake", ".sh", "CMakeLists.txt")

_OPENS_FUNCTION = re.compile(r"^(?!namespace|class|struct|enum|union)[^=]*\(.*\{$", re.S)


def cpp_functions(lines):
    """(first line, length) of every function at namespace level, as clang-format lays it out."""
    signature, start = [], None  # the lines since the last one at the left margin; set while inside a function
    for number, line in enumerate(lines, 1):
        if start is not None:
            if line.startswith("}"):
                yield start, number - start + 1
                signature, start = [], None
            continue
        if line and not line[0].isspace():
            signature = []
        signature.append(line)
        if line.endswith("{") and _OPENS_FUNCTION.match("\n".join(signature)):
            start = number - len(signature) + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check(tree):
    complaints = []
    for path in tree.files(*SUFFIXES):
        if path.startswith("tests/data/"):
            continue
        lines = tree.lines(path)
        if len(lines) > FILE_LINES_MAX:
            complaints.append(f"{path}:1: {len(lines)} lines; split it (aim at 100 to 250, at most {FILE_LINES_MAX})")
        functions = ()
        if path.endswith((".h", ".cpp")):
            functions = cpp_functions(lines)
        elif path.endswith(".py"):
            functions = python_functions(tree.text(path))
        for line, length in functions:
            if length > FUNCTION_LINES_MAX:
                complaints.append(f"{path}:{line}: a function of {length} lines; at most {FUNCTION_LINES_MAX}")
    return complaints
