"""Draws what a group of tables says, as one SVG: wall and CPU of each tool as bars, with the least and the most."""

import statistics
from xml.sax.saxutils import escape

import report

NAME_WIDTH, BAR_WIDTH, VALUE_WIDTH, MARGIN = 236, 210, 62, 16
BAR_HEIGHT, LINE_HEIGHT, TITLE_HEIGHT, PANEL_GAP = 13, 19, 40, 14
WIDTH = 2 * MARGIN + NAME_WIDTH + 2 * (BAR_WIDTH + VALUE_WIDTH)
# A tool that took this many times what syncd did is cut off at the edge, and would make all else too short to see.
MOST = 6
EXPLANATION = (
    "Medians, and thin lines from the least to the most. »: goes beyond the edge. †: sees less, and is no rival."
)
OWN_COLOUR, OTHER_COLOUR, FLOOR_COLOUR, INK, FAINT = "#1f6feb", "#8b949e", "#d8dee4", "#1f2328", "#656d76"


def text(x, y, words, size=12, colour=INK, anchor="start", weight="normal"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(words)}</text>'
    )


def line(x1, y1, x2, y2, colour=INK):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def colour_of(tool):
    return OWN_COLOUR if tool.name == report.OWN else FLOOR_COLOUR if tool.is_floor else OTHER_COLOUR


def bars(table, cost, left, top):
    """One column of a panel: a bar for each tool."""
    costs = {tool.name: [cost(run) for run in table.figures[tool.name]] for tool in table.cast}
    medians = {name: statistics.median(values) for name, values in costs.items()}
    limit = max(min(max(medians.values()), MOST * medians[report.OWN]), 1e-9)
    scale = BAR_WIDTH / limit
    drawn = []
    for index, tool in enumerate(table.cast):
        y = top + index * LINE_HEIGHT
        median, values = medians[tool.name], costs[tool.name]
        length = min(median, limit) * scale
        drawn.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{length:.1f}" height="{BAR_HEIGHT}" fill="{colour_of(tool)}"/>'
        )
        if len(values) > 1:
            middle = y + BAR_HEIGHT / 2
            ends = [left + min(end * scale, BAR_WIDTH) for end in (min(values), max(values))]
            drawn.append(line(ends[0], middle, ends[1], middle))
        beyond = "» " if median > limit else ""
        drawn.append(text(left + BAR_WIDTH + 6, y + BAR_HEIGHT - 2, f"{beyond}{median:.2f}", 11))
    drawn.append(line(left, top - 3, left, top + len(table.cast) * LINE_HEIGHT - 3, FAINT))
    return drawn


def panel(table, top):
    """One table: its title, the names, and the two columns. - Returns: what is drawn, and where it ends."""
    drawn = [text(MARGIN, top + 14, table.title, 14, weight="bold")]
    wall_left = MARGIN + NAME_WIDTH
    cpu_left = wall_left + BAR_WIDTH + VALUE_WIDTH
    for left, words in ((wall_left, "wall, s"), (cpu_left, "CPU, s")):
        drawn.append(text(left, top + 31, words, 11, FAINT))
    top += TITLE_HEIGHT
    for index, tool in enumerate(table.cast):
        name = f"{tool.name} †" if tool.sees_less else tool.name
        colour = FAINT if tool.is_floor else INK
        drawn.append(text(wall_left - 8, top + index * LINE_HEIGHT + BAR_HEIGHT - 2, name, 12, colour, "end"))
    drawn += bars(table, report.wall, wall_left, top) + bars(table, report.cpu, cpu_left, top)
    return drawn, top + len(table.cast) * LINE_HEIGHT + PANEL_GAP


def draw(title, tables):
    drawn = [text(MARGIN, 28, title, 17, weight="bold"), text(MARGIN, 46, EXPLANATION, 11, FAINT)]
    y = 62
    for table in tables:
        added, y = panel(table, y)
        drawn += added
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
        ' font-family="system-ui, sans-serif" role="img">'
    )
    ground = f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", ground, *drawn, "</svg>", ""])
