"""chart.py - the bench's bar chart as SVG, readable on a light page and on a dark one."""
import statistics

PANELS = ("short-row", "short-all", "long-row", "long-all")
BARS = (("int8", "sqlite-contextual int8", "own"), ("bf16", "sqlite-contextual bf16", "own"),
        ("float32", "sqlite-contextual float32", "own"),
        ("onnxruntime int8", "onnxruntime int8", "peer"),
        ("onnxruntime float32", "onnxruntime float32", "peer"),
        ("llama.cpp Q8_0", "llama.cpp Q8_0", "peer"),
        ("llama.cpp float32", "llama.cpp float32", "peer"),
        ("sentence-transformers", "sentence-transformers", "peer"))
WIDTH, MARGIN, TOP = 900, 28, 82
PANEL, LABEL, BAR = 404, 178, 24
LONGEST = PANEL - LABEL - 64

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"
     height="{height}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif"
     font-size="13">
  <title id="title">{title}</title>
  <style>
    .page {{ fill: #ffffff; stroke: #d0d7de }}
    .own {{ fill: #0969da }}
    .peer {{ fill: #afb8c1 }}
    .axis {{ stroke: #8c959f }}
    text {{ fill: #1f2328 }}
    .head {{ font-size: 18px; font-weight: 600 }}
    .panel {{ font-size: 14px; font-weight: 600 }}
    .note {{ fill: #59636e; font-size: 12px }}
    .name {{ text-anchor: end }}
    @media (prefers-color-scheme: dark) {{
      .page {{ fill: #0d1117; stroke: #30363d }}
      .own {{ fill: #4493f8 }}
      .peer {{ fill: #59636e }}
      .axis {{ stroke: #768390 }}
      text {{ fill: #e6edf3 }}
      .note {{ fill: #9198a1 }}
    }}
  </style>
  <rect class="page" x="0.5" y="0.5" width="{inner}" height="{tall}" rx="8"/>
"""


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text(x, y, words, kind=""):
    kind = f' class="{kind}"' if kind else ""
    return f'  <text x="{x}" y="{y}"{kind}>{escape(words)}</text>\n'


def bars_of(found):
    """(label, class, texts per second) of what was measured."""
    return [(label, kind, statistics.median(found[name]["values"]))
            for name, label, kind in BARS if found.get(name, {}).get("values")]


def panel(x, y, title, bars):
    most = max(value for _, _, value in bars)
    out = text(x, y, title, "panel")
    for i, (label, kind, value) in enumerate(bars):
        top = y + 12 + i * BAR
        length = max(1, round(LONGEST * value / most))
        out += text(x + LABEL - 8, top + 15, label, "name")
        out += (f'  <rect class="{kind}" x="{x + LABEL}" y="{top + 3}" width="{length}" '
                f'height="{BAR - 7}"/>\n')
        out += text(x + LABEL + length + 6, top + 15, f"{value:.0f}" if value >= 20
                    else f"{value:.1f}")
    bottom = y + 12 + len(bars) * BAR
    return out + (f'  <line class="axis" x1="{x + LABEL}" y1="{y + 12}" x2="{x + LABEL}" '
                  f'y2="{bottom}"/>\n')


def write(path, title, note, pieces, results):
    """All panels that have a bar, two in a row."""
    titles = {piece.name: piece.title for piece in pieces}
    panels = [(titles[name], bars_of(results.get(name, {}))) for name in PANELS]
    panels = [entry for entry in panels if entry[1]]
    if not panels:
        return
    most = max(len(bars) for _, bars in panels)
    step = most * BAR + 52
    height = TOP + (len(panels) + 1) // 2 * step + 12
    out = HEAD.format(width=WIDTH, height=height, title=title, inner=WIDTH - 1, tall=height - 1)
    out += text(MARGIN, 34, title, "head")
    out += text(MARGIN, 56, note, "note")
    for i, (name, bars) in enumerate(panels):
        x = MARGIN + i % 2 * (PANEL + 36)
        out += panel(x, TOP + 14 + i // 2 * step, name, bars)
    with open(path, "w", encoding="utf-8") as file:
        file.write(out + "</svg>\n")
