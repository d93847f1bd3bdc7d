#!/usr/bin/python3
"""Shows that every rule bites where it should and stays quiet where it should."""
import importlib
import pathlib
import tempfile
import unittest

from rules import hazards
from tree import Tree

LEFT_OPEN = "TO" + "DO"


def complaints(rule, files):
    """What the rule says about a project that consists of `files` (path: text)."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            place = pathlib.Path(folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return importlib.import_module(f"rules.{rule}").check(Tree(folder))


class RuleTest(unittest.TestCase):
    def assert_bites(self, rule, files, *expected):
        found = complaints(rule, files)
        self.assertEqual(len(found), len(expected), found)
        for complaint, part in zip(found, expected):
            self.assertIn(part, complaint)

    def assert_quiet(self, rule, files):
        self.assertEqual(complaints(rule, files), [])


class IncludeEdges(RuleTest):
    def test_lower_module_must_not_include_a_higher_one(self):
        self.assert_bites("include_edges", {"src/wal/a.h": '#include "base/x.h"\n#include "os/file.h"\n'},
                          "src/wal/a.h:2: wal must not include os/file.h; it may see: base")

    def test_web_sees_the_status_of_the_engine_and_nothing_else_of_it(self):
        self.assert_quiet("include_edges", {"src/web/a.h": '#include "engine/status.h"\n'})
        self.assert_bites("include_edges", {"src/web/a.h": '#include "engine/restore.h"\n'}, "must not include")

    def test_include_names_its_module(self):
        self.assert_bites("include_edges", {"src/base/a.cpp": '#include "a.h"\n'}, 'write the module too: "base/a.h"')

    def test_new_module_must_be_placed(self):
        self.assert_bites("include_edges", {"src/utils/a.h": ""}, "no known module")

    def test_included_module_must_be_linked_directly_or_through_a_public_link(self):
        source = {"src/http/a.cpp": '#include "os/file.h"\n', "src/os/CMakeLists.txt": "lm_module(os PUBLIC lm_base)"}
        self.assert_bites("include_edges", {**source, "src/http/CMakeLists.txt": "lm_module(http PUBLIC lm_base)"},
                          "does not link lm_os")
        self.assert_quiet("include_edges", {**source, "src/http/CMakeLists.txt": "lm_module(http PRIVATE lm_os)"})
        self.assert_quiet("include_edges", {"src/http/a.cpp": '#include "base/error.h"\n',
                                            "src/os/CMakeLists.txt": "lm_module(os PUBLIC lm_base)",
                                            "src/http/CMakeLists.txt": "lm_module(http PRIVATE lm_os)"})

    def test_program_of_a_module_counts_with_its_own_links(self):
        cmake = "lm_module(cli PUBLIC lm_base)\ntarget_link_libraries(program PRIVATE lm_cli lm_os)"
        self.assert_quiet("include_edges", {"src/cli/a.cpp": '#include "os/file.h"\n', "src/cli/CMakeLists.txt": cmake})

    def test_link_against_the_direction_is_found_without_any_include(self):
        self.assert_bites("include_edges", {"src/ltx/CMakeLists.txt": "lm_module(ltx\n  PUBLIC lm_base lm_storage)"},
                          "ltx must not link lm_storage")


class Sizes(RuleTest):
    def test_long_file(self):
        self.assert_quiet("sizes", {"src/base/a.h": "\n" * 500})
        self.assert_bites("sizes", {"src/base/a.h": "\n" * 501}, "501 lines")

    def test_long_function(self):
        def function(lines, signature="int f(int a) {"):
            rest = lines - signature.count("\n") - 2
            return f"namespace x {{\n{signature}\n" + "  ;\n" * rest + "}\n}  // namespace x\n"

        wrapped = "int f(int a,\n      int b) {"
        self.assert_quiet("sizes", {"src/base/a.cpp": function(70)})
        self.assert_quiet("sizes", {"src/base/a.cpp": function(70, wrapped)})
        self.assert_bites("sizes", {"src/base/a.cpp": function(71)}, "src/base/a.cpp:2: a function of 71 lines")
        self.assert_bites("sizes", {"src/base/a.cpp": function(71, wrapped)}, "src/base/a.cpp:2: a function of 71 lines")

    def test_class_and_table_are_no_functions(self):
        body = "  int a = 1;\n" * 100
        self.assert_quiet("sizes", {"src/base/a.h": f"class A : public B<C> {{\n{body}}};\n"})
        self.assert_quiet("sizes", {"src/base/a.h": f"constexpr int kTable[] = {{\n{body}}};\n"})

    def test_long_python_function(self):
        self.assert_bites("sizes", {"tests/a.py": "def f():\n" + "    pass\n" * 70}, "71 lines")

    def test_test_data_may_be_long(self):
        self.assert_quiet("sizes", {"tests/data/a.py": "\n" * 1000})


class BannedCalls(RuleTest):
    def test_each_call_is_found_once_in_product_code(self):
        for call in ("system(x);", "::system(x);", "std::system(x);", "sprintf(a, b);", "std::strcpy(a, b);", "rand();",
                     "std::rand();", "localtime(&t);", "strerror(errno);", "std::cout << 1;", "std::printf(x);",
                     "fputs(x, y);", "int* p = new int;", "delete p;", "delete[] p;", "assert(x);",
                     "std::this_thread::sleep_for(x);", "usleep(1);", "using namespace std;", "#include <iostream>",
                     "#include <regex>"):
            self.assertEqual(len(complaints("banned_calls", {"src/os/a.cpp": f"{call}\n"})), 1, call)

    def test_look_alikes_are_left_alone(self):
        for code in ("// system(x) and new things\n", 'auto s = "new system(";\n', "int system_clock();\n",
                     "operating_system(x);\n", "snprintf(a, b);\n", "A(const A&) = delete;\n", "int brand();\n",
                     "static_assert(x);\n", "clock.sleep(x);\n", "return std::unique_ptr<A>(new A(x));\n",
                     "auto c = 'x'; f(1'000);\n", 'auto r = R"(new A)";\n'):
            self.assert_quiet("banned_calls", {"src/os/a.cpp": code})

    def test_printing_is_for_commands_and_tests(self):
        for path in ("src/cli/a.cpp", "src/os/a_test.cpp", "tests/bench/a.cpp"):
            self.assert_quiet("banned_calls", {path: "std::printf(x);\n"})

    def test_only_benchmarks_sleep(self):
        self.assert_quiet("banned_calls", {"tests/bench/a.cpp": "sleep_until(x);\n"})
        self.assert_bites("banned_calls", {"src/os/a_test.cpp": "sleep_for(x);\n"}, "wait for a condition")

    def test_suppression_needs_a_reason(self):
        self.assert_quiet("banned_calls", {"src/os/a.cpp": "f();  // NOLINT(bugprone-x): it is meant\n"})
        for text in ("// NOLINT", "// NOLINT(bugprone-x)", "// NOLINTNEXTLINE(a)"):
            self.assert_bites("banned_calls", {"src/os/a.cpp": f"f();  {text}\n"}, "gives a reason")

    def test_no_test_is_skipped_and_nothing_left_open(self):
        self.assert_bites("banned_calls", {"src/os/a_test.cpp": "GTEST_SKIP();\n"}, "a test that runs")
        self.assert_bites("banned_calls", {"src/os/a_test.cpp": "TEST(A, DISABLED_B) {}\n"}, "a test that runs")
        self.assert_bites("banned_calls", {"tests/x/test_a.py": "@pytest.mark.skip\n"}, "no test is skipped")
        self.assert_bites("banned_calls", {"docs/a.md": f"{LEFT_OPEN}: later\n"}, "finish it")


class ListedSources(RuleTest):
    def test_source_that_nothing_builds(self):
        files = {"src/os/a.cpp": "", "src/os/b.cpp": "", "src/os/sub/c.cpp": ""}
        self.assert_bites("listed_sources", {**files, "src/os/CMakeLists.txt": "x(a.cpp # b.cpp\n sub/c.cpp)"},
                          "src/os/b.cpp:1")
        self.assert_quiet("listed_sources", {**files, "src/os/CMakeLists.txt": "x(a.cpp b.cpp sub/c.cpp)"})

    def test_same_name_in_another_folder_does_not_count(self):
        self.assert_bites("listed_sources", {"src/os/a.cpp": "", "src/wal/CMakeLists.txt": "x(a.cpp)"}, "src/os/a.cpp")

    def test_path_from_the_project_root_counts(self):
        self.assert_quiet("listed_sources", {"tests/support/a.cpp": "",
                                             "src/os/CMakeLists.txt": "x(${CMAKE_SOURCE_DIR}/tests/support/a.cpp)"})


class MachinePaths(RuleTest):
    def test_paths_and_hosts(self):
        for text in ("/" + "work/main/x", "see /" + "home/me/x", "/" + "tmp/x", "https://registry.npm" + "js.org/x"):
            self.assertEqual(len(complaints("machine_paths", {"docs/a.md": text + "\n"})), 1, text)

    def test_relative_and_variable_paths_are_fine(self):
        self.assert_quiet("machine_paths", {"docs/a.md": "src/work/a ./tmp/x $HOME/x ~/.aws /srv/app /var/lib/x\n"})


class Documents(RuleTest):
    def test_module_has_a_short_readme(self):
        self.assert_bites("documents", {"src/os/a.h": ""}, "missing")
        self.assert_bites("documents", {"src/os/a.h": "", "src/os/README.md": "x\n" * 41}, "41 lines")
        self.assert_quiet("documents", {"src/os/a.h": "", "src/os/README.md": "x\n" * 40})

    def test_link_leads_somewhere(self):
        self.assert_bites("documents", {"docs/a.md": "[x](b.md)\n[y](https://example.com)\n"}, "docs/a.md:1")
        self.assert_quiet("documents", {"docs/a.md": "[x](b.md#part) [z](../run)\n", "docs/b.md": "", "run": ""})


class Hazards(RuleTest):
    TESTS = {"src/os/a_test.cpp": "TEST(Suite, Name) {}\nTEST_F(Wrapped,\n       Name) {}\n",
             "tests/integration/test_a.py": "def test_it():\n    pass\n"}

    def document(self, changed=None, row=None, rest=""):
        """All rows, each with a test that exists; one of them replaced by `row` (left out if None)."""
        rows = {h: f"| {h} | what happens | what we do | `Suite.Name` |" for h in hazards.EXPECTED}
        if changed:
            rows[changed] = row
        return {**self.TESTS, "docs/hazards.md": "\n".join([r for r in rows.values() if r] + [rest]) + "\n"}

    def proof(self, proof, rest=""):
        return self.document("W7", f"| W7 | what happens | what we do | {proof} |", rest)

    def test_every_hazard_has_its_row_and_only_one(self):
        self.assert_bites("hazards", self.TESTS, "missing")
        self.assert_quiet("hazards", self.document())
        self.assert_bites("hazards", self.document("C28"), "C28 is missing")
        self.assert_bites("hazards", self.document(rest="| C1 | a | b | `Suite.Name` |"), "C1 has a row already")
        self.assert_bites("hazards", self.document(rest="| W199 | a | b | `Suite.Name` |"), "W199 is no known hazard")
        self.assert_bites("hazards", self.document("W7", "| W7 | what happens | `Suite.Name` |"), "W7: a row has")

    def test_named_tests_exist(self):
        self.assert_quiet("hazards", self.proof("`Wrapped.Name`, `integration/test_a.py::test_it`"))
        self.assert_bites("hazards", self.proof("`Suite.Name`, `Suite.Other`"), "W7: there is no test Suite.Other")
        self.assert_bites("hazards", self.proof("`integration/test_a.py::test_other`"), "there is no test integration")
        self.assert_bites("hazards", self.proof("tested somehow"), "its proof is")

    def test_a_reason_is_a_sentence(self):
        self.assert_quiet("hazards", self.proof("by construction: nothing of the kind exists, so nothing can go wrong"))
        self.assert_bites("hazards", self.proof("by construction: cannot be"), "say why it cannot occur")

    def test_what_is_open_is_listed_and_nothing_else(self):
        entry = "- **W7**: a test that does this and that is missing"
        self.assert_quiet("hazards", self.proof("`Suite.Name`; open", entry))
        self.assert_bites("hazards", self.proof("open"), "W7 is open, but not listed")
        self.assert_bites("hazards", self.document(rest=entry), "W7 is listed as open, but its row says otherwise")
        self.assert_bites("hazards", self.proof("open", "- **W7**: later"), "say what is missing")


class Formatting(RuleTest):
    STYLE = {".clang-format": "BasedOnStyle: Google\n"}

    def test_unformatted_file(self):
        self.assert_bites("formatting", {**self.STYLE, "src/os/a.h": "int  a ;\nint  b ;\n"}, "src/os/a.h:1")
        self.assert_quiet("formatting", {**self.STYLE, "src/os/a.h": "int a;\n"})


if __name__ == "__main__":
    unittest.main()
