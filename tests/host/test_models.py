"""Models: how a name finds its checkpoint, the environment's default, what errors say, and what
a checkpoint says about similarity.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_models.py

Each test has an environment and folders of its own, and loads a copy of the library from there.
"""
import json
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
BERT = TESTS / "golden" / "bert"
CASED = TESTS / "golden" / "bert_cased"
VARIABLES = ("CONTEXTUAL_PATH", "CONTEXTUAL_MODEL", "XDG_DATA_HOME", "HOME")


def one(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


class Models(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.saved = {name: os.environ.pop(name, None) for name in VARIABLES}
        os.environ["HOME"] = str(self.folder / "home")
        (self.folder / "lib").mkdir()
        shutil.copy(LIBRARY, self.folder / "lib" / "contextual.so")
        self.connections = []

    def tearDown(self):
        for db in self.connections:
            db.close()
        for name, value in self.saved.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(self.folder)

    def connect(self):
        db = sqlite3.connect(":memory:")
        db.enable_load_extension(True)
        db.load_extension(str(self.folder / "lib" / "contextual.so"))
        self.connections.append(db)
        return db

    def offer(self, place, checkpoint=BERT):
        """Puts a checkpoint at `place`, a path below the test's folder; gives its folder."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(checkpoint)
        return str(path.parent)

    def vector(self, checkpoint=BERT):
        db = self.connect()
        db.execute("SELECT embed_model('it', ?)", (str(checkpoint),))
        return one(db, "SELECT embed('bank', 'it')")

    def names(self, db):
        return [name for name, in db.execute("SELECT name FROM embed_models")]

    def assert_error(self, db, sql, message):
        with self.assertRaises(sqlite3.Error) as caught:
            db.execute(sql).fetchone()
        self.assertEqual(str(caught.exception), message)

    # Where names are found

    def test_in_each_folder_of_contextual_path(self):
        os.environ["CONTEXTUAL_PATH"] = ":".join(
            [str(self.folder / "nothing"), "", self.offer("a/one"), self.offer("b/two", CASED)])
        db = self.connect()
        self.assertEqual(one(db, "SELECT embed('bank', 'one')"), self.vector())
        self.assertEqual(one(db, "SELECT embed('bank', 'two')"), self.vector(CASED))
        self.assertEqual(self.names(db), ["one", "two"])

    def test_beside_the_library(self):
        self.offer("lib/models/beside")
        self.assertEqual(one(self.connect(), "SELECT embed('bank', 'beside')"), self.vector())

    def test_in_the_users_data_folder(self):
        self.offer("home/.local/share/contextual/models/mine")
        self.assertEqual(one(self.connect(), "SELECT embed('bank', 'mine')"), self.vector())

    def test_in_the_data_folder_that_xdg_names(self):
        self.offer("data/contextual/models/mine")
        self.offer("home/.local/share/contextual/models/other")
        os.environ["XDG_DATA_HOME"] = str(self.folder / "data")
        self.assertEqual(self.names(self.connect()), ["mine"])

    def test_the_first_of_two_is_taken(self):
        self.offer("lib/models/it", CASED)
        os.environ["CONTEXTUAL_PATH"] = self.offer("a/it", BERT)
        db = self.connect()
        self.assertEqual(self.names(db), ["it"])
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector(BERT))

    def test_nothing_is_loaded_before_it_is_used(self):
        self.offer("lib/models/beside")
        db = self.connect()
        self.assertEqual(one(db, "SELECT loaded FROM embed_models"), 0)
        one(db, "SELECT embed('bank', 'beside')")
        self.assertEqual(one(db, "SELECT loaded FROM embed_models"), 1)

    def test_hidden_folders_and_those_without_a_checkpoint_are_no_models(self):
        self.offer("lib/models/beside")
        self.offer("lib/models/.hidden")
        (self.folder / "lib" / "models" / "empty").mkdir()
        db = self.connect()
        self.assertEqual(self.names(db), ["beside"])
        self.assert_error(db, "SELECT embed('x', 'empty')",
                          "embed: no model named 'empty'; known here: beside (see embed_models)")

    def test_a_name_is_never_a_path(self):
        os.environ["CONTEXTUAL_PATH"] = self.offer("a/inside")
        self.offer("outside")
        db = self.connect()
        for name in ("../outside", str(self.folder / "outside"), "./inside", ".", "..",
                     "inside/../../outside", "inside\\x", "in\nside"):
            with self.assertRaisesRegex(sqlite3.Error, "^embed: no model named "):
                db.execute("SELECT embed('x', ?)", (name,)).fetchone()

    # The default

    def test_the_default_is_all_minilm_l6_v2(self):
        os.environ["CONTEXTUAL_PATH"] = self.offer("a/all-MiniLM-L6-v2")
        self.assertEqual(one(self.connect(), "SELECT embed('bank')"), self.vector())

    def test_the_environment_names_the_default(self):
        os.environ["CONTEXTUAL_PATH"] = self.offer("a/one")
        self.offer("a/two", CASED)
        os.environ["CONTEXTUAL_MODEL"] = "two"
        db = self.connect()
        self.assertEqual(one(db, "SELECT embed('bank')"), self.vector(CASED))
        self.assertEqual(one(db, "SELECT name FROM embed_models WHERE is_default"), "two")
        one(db, "SELECT embed_model_default('one')")
        self.assertEqual(one(db, "SELECT embed('bank')"), self.vector())
        one(db, "SELECT embed_model_default(NULL)")
        self.assertEqual(one(db, "SELECT embed('bank')"), self.vector(CASED))

    def test_the_environments_default_may_be_a_path(self):
        os.environ["CONTEXTUAL_MODEL"] = self.offer("any/where/it") + "/it/"
        db = self.connect()
        self.assertEqual(self.names(db), ["it"])
        self.assertEqual(one(db, "SELECT is_default FROM embed_models"), 1)
        self.assertEqual(one(db, "SELECT embed('bank')"), self.vector())
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector())
        self.assertEqual(self.names(db), ["it"])

    def test_a_path_may_begin_in_the_home_folder(self):
        self.offer("home/models/it")
        db = self.connect()
        one(db, "SELECT embed_model('one', '~/models/it')")
        self.assertEqual(one(db, "SELECT embed('bank', 'one')"), self.vector())
        self.assert_error(db, "SELECT embed_model('two', '~other/it')",
                          "embed_model: cannot open '~other/it': there is no such folder or file")
        os.environ["HOME"] = ""
        self.assert_error(db, "SELECT embed_model('two', '~/models/it')",
                          "embed_model: cannot open '~/models/it': there is no such folder or "
                          "file")

    def test_a_model_of_hugging_faces_cache_goes_by_its_folder(self):
        place = self.offer("hub/models--org--it/snapshots/0123ab")
        (self.folder / "hub/models--org--it/refs").mkdir()
        (self.folder / "hub/models--org--it/refs/main").write_text("0123ab")
        os.environ["CONTEXTUAL_PATH"] = str(self.folder / "hub")
        db = self.connect()
        self.assertEqual(self.names(db), ["models--org--it"])
        self.assertEqual(one(db, "SELECT embed('bank', 'models--org--it')"), self.vector())
        one(db, "SELECT embed_model('it', ?)", os.path.dirname(place))
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector())

    def test_the_environments_default_may_be_pinned(self):
        os.environ["CONTEXTUAL_PATH"] = self.offer("a/one")
        pinned = one(self.connect(), "SELECT embed_model('one', ?)", str(BERT))
        os.environ["CONTEXTUAL_MODEL"] = pinned
        db = self.connect()
        self.assertEqual(one(db, "SELECT embed('bank')"), self.vector())
        self.assertEqual(one(db, "SELECT name FROM embed_models WHERE is_default"), "one")
        os.environ["CONTEXTUAL_MODEL"] = "one@00000000"
        self.assert_error(self.connect(), "SELECT embed('bank')",
                          f"embed: model 'one' has fingerprint {pinned[4:]} here, not 00000000 "
                          "as asked for: results of the two must not be mixed")

    def test_a_path_in_the_environment_that_leads_nowhere(self):
        os.environ["CONTEXTUAL_MODEL"] = "/nowhere/it"
        with self.assertRaisesRegex(sqlite3.Error, "^embed: CONTEXTUAL_MODEL: .*'/nowhere/it'"):
            one(self.connect(), "SELECT embed('bank')")

    # What errors say

    def test_an_unknown_name_lists_the_known_ones(self):
        self.offer("lib/models/b")
        self.offer("lib/models/a")
        db = self.connect()
        one(db, "SELECT embed_model('z', ?)", str(BERT))
        self.assert_error(db, "SELECT embed('x', 'nosuch')",
                          "embed: no model named 'nosuch'; known here: z, a, b "
                          "(see embed_models)")
        self.assert_error(db, "SELECT token_embedding('x', 'x', 1, 'nosuch')",
                          "token_embedding: no model named 'nosuch'; known here: z, a, b "
                          "(see embed_models)")
        self.assert_error(db, "SELECT embed_model_default('nosuch')",
                          "embed_model_default: no model named 'nosuch'; known here: z, a, b "
                          "(see embed_models)")

    def test_a_long_list_is_cut(self):
        for i in range(60):
            self.offer(f"lib/models/model-{i:02}")
        with self.assertRaisesRegex(sqlite3.Error, r"known here: model-00, .*, \.\.\. \(see"):
            one(self.connect(), "SELECT embed('x', 'nosuch')")

    def test_where_nothing_is_known_it_says_what_to_do(self):
        db = self.connect()
        self.assert_error(db, "SELECT embed('x', 'nosuch')",
                          "embed: no model named 'nosuch'; none is known here: "
                          "embed_model(name, path) opens one")
        self.assert_error(db, "SELECT embed('x')",
                          "embed: the default model 'all-MiniLM-L6-v2' is not here; 'make model' "
                          "fetches it, the environment's CONTEXTUAL_PATH names the folder that "
                          "holds it, embed_model(name, path) opens any other")

    def test_a_missing_default_lists_what_could_be_chosen(self):
        db = self.connect()
        one(db, "SELECT embed_model('it', ?)", str(BERT))
        self.assert_error(db, "SELECT embed('x')",
                          "embed: the default model 'all-MiniLM-L6-v2' is not here; known here: "
                          "it (embed_model_default(name) chooses one of them)")

    def test_a_name_in_use_is_not_bound_to_another_checkpoint(self):
        self.offer("lib/models/it")
        db = self.connect()
        one(db, "SELECT embed('bank', 'it')")
        bert = one(self.connect(), "SELECT embed_model('x', ?)", str(BERT))[2:]
        cased = one(self.connect(), "SELECT embed_model('x', ?)", str(CASED))[2:]
        self.assert_error(db, f"SELECT embed_model('it', '{CASED}')",
                          f"embed_model: 'it' stands for another checkpoint here (fingerprint "
                          f"{bert}, this one is {cased}); embed_model_drop('it') lets go of it")
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector())
        one(db, "SELECT embed_model_drop('it')")
        one(db, "SELECT embed_model('it', ?)", str(CASED))
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector(CASED))

    # Whose names they are

    def test_names_belong_to_their_connection(self):
        a, b = self.connect(), self.connect()
        one(a, "SELECT embed_model('it', ?)", str(BERT))
        one(b, "SELECT embed_model('it', ?)", str(CASED))
        one(a, "SELECT embed_model_default('it')")
        self.assertNotEqual(one(a, "SELECT embed('bank', 'it')"),
                            one(b, "SELECT embed('bank', 'it')"))
        with self.assertRaisesRegex(sqlite3.Error, "the default model"):
            one(b, "SELECT embed('bank')")

    def test_loading_the_library_again_keeps_the_names(self):
        db = self.connect()
        one(db, "SELECT embed_model('it', ?)", str(BERT))
        db.load_extension(str(self.folder / "lib" / "contextual.so"))
        one(db, "SELECT load_extension(?)", str(self.folder / "lib" / "contextual.so"))
        self.assertEqual(one(db, "SELECT embed('bank', 'it')"), self.vector())

    def test_release_frees_what_nobody_holds(self):
        self.offer("lib/models/beside")
        db = self.connect()
        before = one(db, "SELECT embed('bank', 'beside')")
        self.assertGreater(one(db, "SELECT contextual_release()"), 0)
        self.assertEqual(one(db, "SELECT loaded FROM embed_models"), 0)
        self.assertEqual(one(db, "SELECT contextual_release()"), 0)
        self.assertEqual(one(db, "SELECT embed('bank', 'beside')"), before)

    # What a checkpoint says

    def test_similarity_is_the_checkpoints_own(self):
        for name, as_sql in (("cosine", "cosine(a, b)"), ("dot", "dot(a, b)"),
                             ("euclidean", "-l2_distance(a, b)"),
                             ("manhattan", "-l1_distance(a, b)")):
            path = self.folder / name
            shutil.copytree(BERT, path)
            settings = path / "config_sentence_transformers.json"
            said = json.loads(settings.read_text())
            settings.write_text(json.dumps(said | {"similarity_fn_name": name}))
            db = self.connect()
            one(db, "SELECT embed_model('it', ?)", str(path))
            self.assertEqual(
                one(db, "SELECT similarity('the bank', 'a river', 'it')"),
                one(db, f"SELECT {as_sql} FROM (SELECT embed('the bank', 'it') AS a, "
                        "embed('a river', 'it') AS b)"))


if __name__ == "__main__":
    sys.exit(case.run(Models))
