"""Makes the goldens of static vectors that the libraries themselves write.

    python make_words.py fasttext    (fasttext-wheel 0.9.2): static/fasttext.bin and .json
    python make_words.py model2vec   (model2vec 0.9.0): model2vec_mapped
    python make_words.py sentence    (sentence-transformers 5.6.1): static_embedding

The JSON beside each has texts or words, and what the library gives for them.
"""
import json
import pathlib
import random
import shutil
import sys

HERE = pathlib.Path(__file__).parent
TEXTS = ["I deposited money in the bank.", "We sat on the bank of the river.", "", "   ",
         "Café naïve ÅNGSTRÖM 苹果 りんご \U0001f34e", "The [MASK] approved the [UNK] loan"]


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def fasttext():
    import fasttext as library
    random.seed(1)
    words = "the bank of river money lent loan café 苹果 банк New_York don't 1,000 x".split()
    corpus = pathlib.Path("/tmp/corpus.txt")
    corpus.write_text("\n".join(" ".join(random.choices(words, k=9)) for _ in range(300)))
    model = library.train_unsupervised(str(corpus), dim=6, minCount=1, bucket=60, minn=2,
                                       maxn=4, epoch=1, thread=1, verbose=0)
    model.save_model(str(HERE / "static/fasttext.bin"))
    probe = words + ["bankomat", "Bank", "банками", "苹", "é", "a", "</s>", "x" * 90,
                     "river bank", "\U0001f600", "e\u0301te\u0301"]
    write(HERE / "static/fasttext_bin.json",
          {"vectors": {word: model.get_word_vector(word).tolist() for word in probe}})


def model2vec():
    import numpy as np
    import model2vec as library
    from model2vec.persistence.persistence import save_pretrained
    source = library.StaticModel.from_pretrained(str(HERE / "model2vec"))
    noise = np.random.default_rng(2)
    rows = noise.normal(size=(40, 10)).astype(np.float32)
    mapping = noise.integers(0, 40, size=len(source.tokens)).astype(np.int64)
    weights = noise.uniform(0.1, 2, size=len(source.tokens))
    folder = HERE / "model2vec_mapped"
    save_pretrained(folder, rows, source.tokenizer, {"model_type": "model2vec", "normalize": False},
                    create_model_card=False, weights=weights, mapping=mapping)
    model = library.StaticModel.from_pretrained(str(folder))
    texts = TEXTS + ["the bank " * 900, "supercalifragilistic" * 300]
    write(folder / "words.json",
          {"texts": [{"text": text, "ids": model.tokenize([text], max_length=512)[0],
                      "embedding": model.encode([text])[0].tolist()} for text in texts]})


def sentence():
    import sentence_transformers
    import torch
    from sentence_transformers import models
    from tokenizers import Tokenizer
    torch.manual_seed(3)
    tokenizer = Tokenizer.from_file(str(HERE / "model2vec/tokenizer.json"))
    static = models.StaticEmbedding(tokenizer, embedding_dim=8)
    dense = models.Dense(8, 5, activation_function=torch.nn.Tanh())
    model = sentence_transformers.SentenceTransformer(modules=[static, dense, models.Normalize()])
    folder = HERE / "static_embedding"
    shutil.rmtree(folder, ignore_errors=True)
    model.save(str(folder), create_model_card=False)
    texts = TEXTS + ["the bank " * 900]
    write(folder / "words.json",
          {"texts": [{"text": text,
                      "ids": tokenizer.encode(text, add_special_tokens=False).ids,
                      "embedding": model.encode([text])[0].tolist()} for text in texts]})


if __name__ == "__main__":
    {"fasttext": fasttext, "model2vec": model2vec, "sentence": sentence}[sys.argv[1]]()
