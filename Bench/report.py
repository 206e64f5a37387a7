"""From figures to tables, and into docs/BENCHMARKS.md."""

import statistics

CLASSES = ("LIST", "HEAD", "GET", "PUT", "DELETE", "POST")
MEBIBYTE = 1 << 20
OWN = "syncd"


def spread(values, digits=2):
    """`median (least – most)`"""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} – {max(values):.{digits}f})"


def ratios(own, runs, cost):
    """What syncd cost by what another tool did, round by round. One that cost nothing that can be measured has none."""
    return [cost(ours) / cost(theirs) for ours, theirs in zip(own, runs) if cost(theirs) > 0]


def wall(run):
    return run.wall


def cpu(run):
    return run.cpu


class Table:
    """One row of work: what each tool cost in it. `figures` is {tool's name: [Figures of each round, in order]}."""

    def __init__(self, title, figures, counts, cast, bar):
        self.title = title
        self.figures = figures
        self.counts = counts
        self.cast = [tool for tool in cast if tool.name in figures]
        self.bar = bar

    @property
    def has_small(self):
        return any(run.small is not None for runs in self.figures.values() for run in runs)

    @property
    def rivals(self):
        return [tool for tool in self.cast if not (tool.is_floor or tool.sees_less or tool.name == OWN)]

    def lines(self, with_bars=True):
        lines = [f"### {self.title}", "", *self._costs(), ""]
        verdict = self.verdict(with_bars)
        lines += [verdict, ""] if verdict else []
        return [*lines, *self._requests(), ""]

    def _costs(self):
        heads = ["tool", "wall, s", "CPU, s", "peak memory, MiB", "wall of syncd ÷ its", "CPU of syncd ÷ its"]
        heads += ["last small file after, s"] if self.has_small else []
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for tool in self.cast:
            runs = self.figures[tool.name]
            memory = statistics.median(run.rss for run in runs) / MEBIBYTE
            cells = [self._name(tool), spread([run.wall for run in runs]), spread([run.cpu for run in runs])]
            cells.append(f"{memory:.0f}")
            for cost in (wall, cpu):
                of_pairs = ratios(self.figures[OWN], runs, cost)
                cells.append("" if tool.name == OWN or not of_pairs else spread(of_pairs))
            cells += [spread([run.small for run in runs], 1)] if self.has_small else []
            lines.append("| " + " | ".join(cells) + " |")
        return lines

    @staticmethod
    def _name(tool):
        return f"*{tool.name}*" if tool.is_floor else f"{tool.name} †" if tool.sees_less else tool.name

    def _requests(self):
        counted = [tool for tool in self.cast if self.counts.get(tool.name, {}).get("connections")]
        if not counted:
            return []
        heads = ["tool", *CLASSES, "connections", "sent, MiB", "received, MiB"]
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for tool in counted:
            counts = self.counts[tool.name]
            has_classes = any(counts.get(name) for name in CLASSES)
            cells = [self._name(tool), *(f"{counts.get(name, 0):,}" if has_classes else "–" for name in CLASSES)]
            cells += [f"{counts['connections']:,}"]
            cells += [f"{counts.get(word, 0) / MEBIBYTE:,.2f}" for word in ("sent", "received")]
            lines.append("| " + " | ".join(cells) + " |")
        return lines

    def verdict(self, with_bars):
        """How syncd stands to the best of the others, and to its bar: by the median of paired ratios."""
        parts = []
        for word, bar, cost in zip(("wall", "CPU"), self.bar, (wall, cpu)):
            medians = {}
            for tool in self.rivals:
                of_pairs = ratios(self.figures[OWN], self.figures[tool.name], cost)
                if of_pairs:
                    medians[tool.name] = statistics.median(of_pairs)
            if medians:
                best = max(medians, key=medians.get)
                held = f" (bar {bar}: {'held' if medians[best] <= bar else 'not held'})" if bar and with_bars else ""
                parts.append(f"{word} {medians[best]:.2f} × that of {best}{held}")
        return "Against the best: " + ", ".join(parts) + "." if parts else ""


def tables(bench, is_split):
    """The tables of a kind of work; two for each row where tools at their defaults have one of their own."""
    figures, counts = bench.good(bench.figures), bench.good(bench.counts)
    chosen = []
    for row, title in bench.work.titles.items():
        bar = bench.work.bars.get(row, (None, None))
        kinds = [("equal", ", as many transfers at once"), ("defaults", ", each at its own defaults")]
        for kind, words in kinds if is_split else [(None, "")]:
            cast = [tool for tool in bench.tools if kind is None or tool.table in (kind, "both")]
            # At its own defaults, nobody is to be ahead.
            limit = (1.0, None) if kind == "defaults" and bar[0] and bar[0] > 1 else bar
            if figures[row]:
                chosen.append(Table(title + words, figures[row], counts[row], cast, limit))
    return chosen


def marks(group):
    return (f"<!-- figures of {group}: begin, written by `make bench` -->", f"<!-- figures of {group}: end -->")


def replace_between_marks(text, group, lines):
    """`text` with the lines in place of what stood between the group's marks; at the end where there are none."""
    begin, end = marks(group)
    block = "\n".join([begin, "", *lines, end])
    if begin not in text:
        return text.rstrip() + "\n\n" + block + "\n"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return before + block + after
