"""README.md says what is true: its shell sessions print what they print there, its Python runs,
its reference lists every function, table, column and option of the extension, and no other.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_readme.py

Sessions are the blocks marked ```console that begin with `$ sqlite3`. They run in the real shell,
once with each kernel of this machine, on the real model (models/all-MiniLM-L6-v2, or the folder in
CONTEXTUAL_TEST_MODEL); without it they are skipped.
"""
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import case

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TOP / "contextual.so"))
README = (TOP / "README.md").read_text(encoding="utf-8")
MODEL = "all-MiniLM-L6-v2"
PROMPT, CONTINUED = "sqlite> ", "   ...> "

# Versions of the shell put different words before an error's sentence.
ERROR = re.compile(r"^(Runtime error|Parse error|Error)( near line \d+)?: "
                   r"(stepping, |in prepare, )?")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def statements(block):
    """[(what is typed, what is printed)] of a session."""
    steps = []
    for line in block.splitlines()[1:]:
        if line.startswith(PROMPT):
            steps.append(([line[len(PROMPT):]], []))
        elif line.startswith(CONTINUED):
            steps[-1][0].append(line[len(CONTINUED):])
        else:
            steps[-1][1].append(ERROR.sub("Error: ", line))
    return steps


def shell(script, environment, folder):
    """The lines that the shell prints, errors in their place: nothing is held back."""
    done = subprocess.run(["stdbuf", "-o0", "sqlite3", "-batch"], input=script.encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                          cwd=folder, check=False)
    return [ERROR.sub("Error: ", line) for line in done.stdout.decode().splitlines()]


def first_cells(text):
    """The first cell of each row of the tables in it."""
    return [line.split("|")[1] for line in text.splitlines()
            if line.startswith("| ") and not line.startswith("| ---")]


def section(title):
    return re.search(rf"^### {title}\n(.*?)^##", README, re.M | re.S).group(1)


def signatures(cells):
    """{(name, number of arguments)}: `f(a [, b [, c]])` stands for 1 to 3."""
    found = set()
    for cell in cells:
        for name, arguments in re.findall(r"`(\w+)\((.*?)\)`", cell):
            most = len(re.findall(r"\w+", arguments))
            for count in range(most - arguments.count("["), most + 1):
                found.add((name, count))
    return found


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith("CONTEXTUAL_")}
        self.environment["TERM"] = "dumb"
        self.environment["HOME"] = self.folder  # no ~/.sqliterc
        os.symlink(LIBRARY, os.path.join(self.folder, "contextual.so"))
        os.symlink(TOP / "tests", os.path.join(self.folder, "tests"))
        models = os.path.join(self.folder, "models")
        os.mkdir(models)
        model = os.environ.get("CONTEXTUAL_TEST_MODEL", TOP / "models" / MODEL)
        if model and os.path.isfile(os.path.join(model, "model.safetensors")):
            os.symlink(os.path.abspath(model), os.path.join(models, MODEL))
        self.environment["CONTEXTUAL_PATH"] = models

    def tearDown(self):
        shutil.rmtree(self.folder)

    def need_model(self):
        if not os.listdir(os.path.join(self.folder, "models")):
            self.skipTest("the real model is not there (make model)")

    def connect(self, load=True):
        if not hasattr(sqlite3.Connection, "enable_load_extension"):
            self.skipTest(f"the sqlite3 module of {sys.executable} loads no extensions")
        db = sqlite3.connect(":memory:")
        self.addCleanup(db.close)
        if load:
            db.enable_load_extension(True)
            db.load_extension(LIBRARY)
        return db

    def new_names(self, sql):
        """What a query gives with the extension and not without."""
        return set(self.connect().execute(sql)) - set(self.connect(load=False).execute(sql))

    def test_the_sessions_print_what_stands_there(self):
        self.need_model()
        printed = shell(".load ./contextual\nSELECT contextual_info();\n", self.environment,
                        self.folder)
        self.assertTrue(blocks("console"))
        for kernel in json.loads(printed[-1])["kernels"]:
            self.environment["CONTEXTUAL_KERNEL"] = kernel
            for block in blocks("console"):
                self.assertEqual(block.splitlines()[0], "$ sqlite3")
                script, want = "", []
                for number, (typed, lines) in enumerate(statements(block)):
                    # A line of its own ends what a statement prints.
                    script += "\n".join([*typed, f".print -- {number}", ""])
                    want += [*lines, f"-- {number}"]
                got = shell(script, self.environment, self.folder)
                self.assertEqual("\n".join(got), "\n".join(want), f"kernel {kernel}")

    def test_the_python_prints_what_stands_there(self):
        self.need_model()
        self.connect()
        self.assertTrue(blocks("python"))
        for block in blocks("python"):
            want = re.findall(r"^print\(.*\)  # (.*)$", block, re.M)
            run = subprocess.run([sys.executable, "-c", block], env=self.environment,
                                 cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(run.stdout.splitlines(), want, run.stderr)

    def test_every_function_is_in_the_reference_with_its_arguments(self):
        titles = "Texts", "Words", "Vectors", "Models and the process"
        listed = signatures(cell for title in titles for cell in first_cells(section(title)))
        known = self.new_names("SELECT name, narg FROM pragma_function_list")
        for name, count in list(known):
            if count < 0:  # an FTS5 function: it counts its arguments itself
                known.remove((name, count))
                known |= {(other, many) for other, many in listed if other == name}
        self.assertEqual(sorted(listed), sorted(known))

    def test_every_table_is_in_the_reference_with_its_arguments_and_columns(self):
        listed = {}
        for row in re.findall(r"^\| `(\w+)(.*?)` \| ([a-z_, ]+) \|$",
                              section("Tables") + section("Models and the process"), re.M):
            listed[row[0]] = (row[2].split(", "), re.findall(r"\w+", row[1]))
        known = {}
        for (name,) in self.new_names("SELECT name FROM pragma_module_list"):
            columns = self.connect().execute(f"PRAGMA table_xinfo({name})").fetchall()
            known[name] = ([c[1] for c in columns if not c[6]], [c[1] for c in columns if c[6]])
        synonyms = set(known) - set(listed)
        self.assertEqual(listed, {name: known[name] for name in known if name not in synonyms})
        for name in synonyms:
            self.assertIn(f"`{name}`", section("Tables"))
            self.assertEqual(known[name], known[name.replace("embed_", "", 1)])

    def test_every_option_is_in_the_reference(self):
        listed, takers = {}, []
        for key, taken_by in re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", section("Options"), re.M):
            before = takers if "the same" in taken_by else []
            takers = before + re.findall(r"`(\w+)`", taken_by)
            for name in takers:
                listed.setdefault(name, set()).add(key)
        calls = {"embed": "embed('x', NULL, ?)", "embed_model": "embed_model('x', '.', ?)",
                 "token_embedding": "token_embedding('x', 'x', -1, NULL, ?)",
                 "tokens": "* FROM tokens('x', NULL, ?)",
                 "hidden_states": "* FROM hidden_states('x', NULL, ?)",
                 "lm_head": "* FROM lm_head('x', NULL, ?)",
                 "embed_each": "* FROM embed_each('[]', NULL, ?)",
                 "embed_query": "* FROM embed_query('SELECT 1', NULL, ?)"}
        db = self.connect()
        db.execute("SELECT embed_model('tiny', ?)", (str(TOP / "tests" / "golden" / "bert"),))
        db.execute("SELECT embed_model_default('tiny')")
        known = {}
        for name, call in calls.items():
            with self.assertRaisesRegex(sqlite3.Error, "options: ") as caught:
                db.execute(f"SELECT {call}", ('{"no": 1}',)).fetchall()
            known[name] = set(str(caught.exception).split("options: ")[1].split(", "))
        self.assertEqual(listed.pop("embed_try"), listed["embed"])  # gives NULL, no error
        self.assertEqual(listed, known)

    def test_every_option_column_and_command_of_an_index_is_in_its_section(self):
        db = self.connect()

        def known(sql):
            with self.assertRaisesRegex(sqlite3.Error, "[Kk]nown: ") as caught:
                db.execute(sql)
            return set(re.split("[Kk]nown: ", str(caught.exception))[1].split(", "))

        made_of = section("What an index is made of")
        listed = {name for cell in first_cells(made_of[made_of.index("| option |"):])
                  for name in re.findall(r"`(\w+)`", cell)}
        self.assertEqual(listed, known("CREATE VIRTUAL TABLE s USING semantic(a, unheard=1)"))
        db.execute("CREATE VIRTUAL TABLE s USING semantic(a, model='')")
        columns = {row[1] for row in db.execute("PRAGMA table_xinfo(s)") if row[6]} - {"s"}
        listed = {name for cell in first_cells(section("Asking"))
                  for name in re.findall(r"`(\w+)`", cell)}
        self.assertEqual(listed - {"rowid"}, columns)
        commands = known("INSERT INTO s(s) VALUES('unheard')")
        text = section("In step") + section("Many rows")
        self.assertEqual([name for name in commands if f"`'{name}'`" not in text], [])

    def test_every_file_that_is_named_is_there(self):
        for path in re.findall(r"`((?:core|ext|sql|tests)/[\w/.*]*)`|\]\(([\w/.]+)\)", README):
            path = path[0] or path[1]
            self.assertTrue(list(TOP.glob(path.rstrip("/"))), path)
        for name in re.findall(r"`(recipe_\w+\.sql)`", README):
            self.assertTrue((TOP / "sql" / name).is_file(), name)
        recipes = {path.name for path in (TOP / "sql").glob("recipe_*.sql")}
        self.assertEqual(recipes, set(re.findall(r"^\| `(recipe_\w+\.sql)`", README, re.M)))

    def test_every_make_goal_that_is_named_is_there(self):
        goals = re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.M)
        for goal in re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.M):
            self.assertIn(goal, goals)


if __name__ == "__main__":
    sys.exit(case.run(Readme, loads_extensions=False))
