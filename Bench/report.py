"""From figures to a table."""

import statistics

TITLES = {
    "up": "first upload",
    "idle": "nothing to do",
    "changed": "1 % changed",
    "down": "the same down",
}
BEGIN = "<!-- figures: begin, written by `make bench` -->"
END = "<!-- figures: end -->"


def spread(values, digits=2):
    """`median (least – most)`"""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def tables(figures, own="syncd"):
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
        lines.append("")
    return lines


def replace_between_marks(text, lines):
    """`text` with the lines in place of what stood between the marks; at the end where there are no marks."""
    block = "\n".join([BEGIN, "", *lines, END])
    if BEGIN not in text:
        return text.rstrip() + "\n\n" + block + "\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + block + after
