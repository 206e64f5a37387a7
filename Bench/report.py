"""From figures to a table."""

import statistics

TITLES = {
    "up": "first upload",
    "idle": "nothing to do",
    "changed": "1 % changed",
    "down": "the same down",
    "large up": "a large file up",
    "large down": "the same large file down",
}
BEGIN = "<!-- figures: begin, written by `make bench` -->"
END = "<!-- figures: end -->"


# Of syncd's wall and CPU by those of the best tool of each piece of work: docs/BENCHMARKS.md tells them.
BARS = {"up": (0.85, 0.5), "idle": (0.6, 0.2), "changed": (0.6, 0.2), "down": (0.9, 0.6)} | {
    "large up": (1.0, 1.0),
    "large down": (1.0, 1.0),
}


def spread(values, digits=2):
    """`median (least – most)`"""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def tables(figures, own="syncd", with_bars=True):
    """One table for each row. `figures` is {row: {tool: [Figures of each round, in order]}}."""
    lines = []
    for row, tools in figures.items():
        lines += [f"### {TITLES[row]}", ""]
        lines += ["| tool | wall, s | CPU, s | peak memory, MiB | wall of syncd ÷ its | CPU of syncd ÷ its |"]
        lines += ["|---|---|---|---|---|---|"]
        for name, runs in tools.items():
            memory = statistics.median(run.rss for run in runs) / (1 << 20)
            cells = [name, spread([run.wall for run in runs]), spread([run.cpu for run in runs]), f"{memory:.0f}"]
            if name == own:
                cells += ["", ""]
            else:
                pairs = list(zip(tools[own], runs))
                cells.append(spread([ours.wall / theirs.wall for ours, theirs in pairs]))
                cells.append(spread([ours.cpu / theirs.cpu for ours, theirs in pairs]))
            lines.append("| " + " | ".join(cells) + " |")
        lines += ["", *([verdict(row, tools, own), ""] if with_bars else [])]
    return lines


def verdict(row, tools, own):
    """How syncd stands to the best of the others, and to its bar: by the median of paired ratios."""
    parts = []
    for word, bar, cost in zip(("wall", "CPU"), BARS[row], (lambda run: run.wall, lambda run: run.cpu)):
        ratios = {
            name: statistics.median(cost(ours) / cost(theirs) for ours, theirs in zip(tools[own], runs))
            for name, runs in tools.items()
            if name != own
        }
        if ratios:
            best = max(ratios, key=ratios.get)
            held = "held" if ratios[best] <= bar else "not held"
            parts.append(f"{word} {ratios[best]:.2f} of {best}'s (bar {bar}: {held})")
    return "Against the best: " + ", ".join(parts) + "." if parts else ""


def replace_between_marks(text, lines):
    """`text` with the lines in place of what stood between the marks; at the end where there are no marks."""
    block = "\n".join([BEGIN, "", *lines, END])
    if BEGIN not in text:
        return text.rstrip() + "\n\n" + block + "\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + block + after
