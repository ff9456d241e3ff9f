"""Draws the pictures of the documentation into docs/figures: `python tools/concept_figures.py`.

The map is drawn by the program's own map code, the others here, as plain SVG with fixed colours on a light ground, so that they
look alike in a browser, on a dark page and in print.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "figures"
INK, QUIET, LINE, PAPER = "#1f2933", "#52606d", "#9aa5b1", "#fbfaf7"
BLUE, ORANGE, GREY = "#1f6feb", "#c2570c", "#d9dee3"


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 14,
    fill: str = INK,
    anchor: str = "start",
    bold: bool = False,
) -> str:
    """One line of text."""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, *, fill: str = "#fff", stroke: str = LINE) -> str:
    """A box with round corners."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="{stroke}"/>'


def arrow(x1: float, y1: float, x2: float, y2: float, *, colour: str = QUIET, width: float = 2) -> str:
    """A straight arrow."""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{width}" '
        f'marker-end="url(#tip-{colour[1:]})"/>'
    )


def dashed(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    """A dashed line."""
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{width}" '
        'stroke-dasharray="5 4"/>'
    )


def picture(width: int, height: int, title: str, parts: list[str]) -> str:
    """The whole SVG; its title is what a screen reader says."""
    tips = "".join(
        f'<marker id="tip-{c[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{c}"/></marker>'
        for c in (QUIET, BLUE, ORANGE, LINE)
    )
    inside = "\n".join([box(0.5, 0.5, width - 1, height - 1, fill=PAPER, stroke=GREY), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif">\n<title>{escape(title)}</title>\n'
        f"<defs>{tips}</defs>\n{inside}\n</svg>\n"
    )


def orders() -> str:
    """A dilemma in both orders, and how the two readings become value and bias (means of the default model's profile quick)."""
    value, bias = 0.01, 1.44  # docs/method.md, "What small models show", axis Y
    parts = [text(24, 34, "One dilemma, asked twice", size=17, bold=True)]
    for n, (first, second) in enumerate(
        (("positive pole", "negative pole"), ("negative pole", "positive pole"))
    ):
        x = 24 + n * 366
        parts += [box(x, 52, 346, 132), text(x + 16, 78, "A situation of everyday life ...", fill=QUIET)]
        for letter, pole, y in (("A", first, 108), ("B", second, 136)):
            colour = BLUE if pole.startswith("positive") else ORANGE
            parts += [
                text(x + 16, y, letter, bold=True),
                f'<circle cx="{x + 44}" cy="{y - 5}" r="6" fill="{colour}"/>',
                text(x + 58, y, f"option of the {pole}"),
            ]
        parts += [text(x + 16, 168, "Answer with one letter:", fill=QUIET)]
        sign = bias + value if n == 0 else bias - value
        middle = x + 173
        parts += [
            arrow(middle, 190, middle, 212),
            text(middle, 234, f"l = z(A) − z(B) = {sign:+.2f}".replace("-", "−"), anchor="middle", bold=True),
        ]
    parts += [
        box(24, 256, 346, 62),
        text(197, 282, "value d = half the difference", anchor="middle", bold=True),
        text(197, 305, f"{value:+.2f}: no side is taken", anchor="middle", fill=QUIET),
        box(390, 256, 346, 62),
        text(563, 282, "position bias b = half the sum", anchor="middle", bold=True),
        text(563, 305, f"{bias:+.2f}: it likes the letter A", anchor="middle", fill=QUIET),
    ]
    return picture(
        760,
        336,
        "A dilemma in both orders: half the difference of the letter gaps is the value, half the sum the bias",
        parts,
    )


def steering() -> str:
    """The residual stream through the blocks, and a vector added behind one of them."""
    parts = [text(24, 34, "Steering adds a direction behind a block", size=17, bold=True)]
    for n in range(5):
        x, here = 52 + n * 138, n == 2
        parts += [
            box(x, 92, 86, 60, fill="#e8f0fe" if here else "#fff", stroke=BLUE if here else LINE),
            text(x + 43, 127, ("block 0", "...", "block l", "...", "last")[n], anchor="middle", bold=here),
        ]
        if n < 4:
            parts += [arrow(x + 86, 122, x + 136, 122)]
    plus = 52 + 2 * 138 + 86 + 24
    parts += [
        text(12, 127, "text", fill=QUIET),
        arrow(690, 122, 722, 122),
        text(728, 127, "A, B"),
        f'<circle cx="{plus}" cy="122" r="12" fill="#fff" stroke="{BLUE}" stroke-width="2"/>',
        text(plus, 128, "+", anchor="middle", fill=BLUE, size=18, bold=True),
        arrow(plus, 194, plus, 138, colour=BLUE),
        box(plus - 140, 196, 280, 82, stroke=BLUE),
        text(plus, 221, "alpha · v  =  alpha · mean(h⁺ − h⁻)", anchor="middle", bold=True),
        text(plus, 244, "h⁺, h⁻: the stream at texts that end", anchor="middle", fill=QUIET, size=12),
        text(plus, 264, "in the positive and in the negative option", anchor="middle", fill=QUIET, size=12),
        text(plus, 76, "residual stream h", anchor="middle", fill=QUIET),
    ]
    return picture(
        784,
        300,
        "Steering: alpha times the mean difference of contrast texts is added to the residual stream behind block l",
        parts,
    )


def entanglement() -> str:
    """Three steps on the two axes: along one axis, along both, and inside of chance."""
    parts = [text(24, 34, "Steer one axis, measure both", size=17, bold=True)]
    cases = (
        ("clean", "E near 0", 82, -10, False),
        ("entangled", "E = off / on, at most 1", 78, -62, False),
        ("no effect", "E is undefined", 17, 14, True),
    )
    for n, (name, words, dx, dy, inside) in enumerate(cases):
        x, y = 130 + n * 250, 160
        parts += [
            f'<line x1="{x - 100}" y1="{y}" x2="{x + 100}" y2="{y}" stroke="{GREY}"/>',
            f'<line x1="{x}" y1="{y - 100}" x2="{x}" y2="{y + 100}" stroke="{GREY}"/>',
            f'<circle cx="{x}" cy="{y}" r="32" fill="{LINE}" fill-opacity="0.25" stroke="{LINE}" stroke-dasharray="4 3"/>',
        ]
        if not inside:
            parts += [dashed(x + dx, y, x + dx, y + dy, ORANGE, 2), dashed(x, y + 1, x + dx, y + 1, QUIET, 1)]
        parts += [
            arrow(x, y, x + dx, y + dy, colour=BLUE, width=3),
            text(x, 284, name, anchor="middle", bold=True),
            text(x, 305, words, anchor="middle", fill=QUIET),
        ]
    parts += [
        text(232, 176, "on", fill=QUIET, size=12, anchor="end"),
        text(466, 128, "off", fill=ORANGE, size=12),
        text(630, 212, "random vectors", fill=QUIET, size=12, anchor="middle"),
    ]
    return picture(
        760,
        324,
        "Entanglement: the change off the steered axis over the change on it, undefined inside the band of random vectors",
        parts,
    )


def society_map(path: Path) -> None:
    """The societies, and where models without values fall by the default conversion, as `culturescope map` draws them."""
    from culturescope.page import figure_of, write_map
    from culturescope.people import nulls

    write_map(figure_of(nulls("anchored")), path)


DRAWN = {"orders.svg": orders, "steering.svg": steering, "entanglement.svg": entanglement}


def main() -> None:
    """Writes all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
    society_map(FOLDER / "map.svg")


if __name__ == "__main__":
    main()
