#!/usr/bin/env python3
"""Writes syncd(1) to standard output, from what the binary says of its own commands and options.

    scripts/man-page.py SYNCD    SYNCD is the binary, such as .build/release/syncd
"""

import json
import os
import subprocess
import sys
import time

# What no command's help says.
FILES = [
    ("/etc/syncd/config.json", "The configuration, unless --config names another: syncd.json(5)."),
    ("/var/lib/syncd", "The state directory: index, status, lock and control socket."),
    ("/etc/credstore/syncd-access-key-id, /etc/credstore/syncd-secret-access-key, /etc/credstore/syncd-session-token",
     "Keys that the service hands over: systemd.exec(5), LoadCredential=."),
]
ENVIRONMENT = [
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "Keys, where the configuration has none."),
    ("CREDENTIALS_DIRECTORY", "Set by systemd: the directory of the keys it hands over, where neither has any."),
    ("AWS_REGION, AWS_DEFAULT_REGION", "The region, where the configuration names none."),
    ("AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL", "The endpoint, where the configuration names none."),
    ("STATE_DIRECTORY", "Set by systemd: the state directory, where the configuration names none."),
    ("NO_COLOR", "Set, it keeps colour off a terminal."),
]


def escaped(text):
    """Text that troff prints as it is, hyphens as such: options are copied from a man page."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")


def line(text):
    """A line of text; one that begins with a dot or a quote is no request."""
    return "\\&" + escaped(text) if text.startswith((".", "'")) else escaped(text)


def flags(argument):
    names = [("-" if name["kind"] == "short" else "--") + name["name"] for name in argument.get("names", [])]
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return f"\\fI{escaped(value)}\\fR"
    text = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names)
    return text + (f" \\fI{escaped(value)}\\fR" if argument["kind"] == "option" else "")


def arguments(command, known=()):
    """Paragraphs for all arguments but those that `known` has told of already."""
    lines = []
    for argument in command["arguments"]:
        if not argument["shouldDisplay"] or argument in known:
            continue
        text = argument.get("abstract", "")
        if "defaultValue" in argument:
            text += f" Default: {argument['defaultValue']}."
        lines += [".TP", flags(argument), line(text)]
    return lines


def discussion(command):
    """The command's own text: paragraphs as they are, and indented lines as examples."""
    lines, inside = [], False
    for text in command.get("discussion", "").splitlines():
        if text.startswith("  ") != inside:
            lines.append(".EE" if inside else ".EX")
            inside = not inside
        lines.append(".PP" if not text and not inside else line(text))
    return lines + ([".EE"] if inside else [])


def synopsis(command):
    parts = [f"\\fBsyncd {escaped(command['commandName'])}\\fR"]
    for argument in command["arguments"]:
        if argument["kind"] == "positional":
            text = flags(argument) + ("..." if argument["isRepeating"] else "")
            parts.append(f"[{text}]" if argument["isOptional"] else text)
    return " ".join(parts + ["[\\fIoptions\\fR]"])


def page(root, version, date):
    commands = [command for command in root["subcommands"] if command["commandName"] != "help"]
    lines = [
        ".\\\" Written by scripts/man-page.py.",
        f'.TH SYNCD 1 "{date}" "syncd {version}" "User Commands"',
        ".SH NAME",
        "syncd \\- " + escaped(root["abstract"][0].lower() + root["abstract"][1:].rstrip(".")),
        ".SH SYNOPSIS",
        "\\fBsyncd \\-\\-once\\fR [\\fIoptions\\fR]",
    ]
    for command in commands:
        lines += [".br", synopsis(command)]
    lines += [".SH DESCRIPTION", *discussion(root), ".SH OPTIONS", *arguments(root), ".SH COMMANDS"]
    for command in commands:
        lines += [f".SS syncd {escaped(command['commandName'])}", line(command["abstract"])]
        lines += [".PP", *discussion(command), *arguments(command, known=root["arguments"])]
    for title, entries in (("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)):
        lines.append(f".SH {title}")
        for name, text in entries:
            lines += [".TP", f"\\fB{escaped(name)}\\fR", line(text)]
    return lines + [".SH SEE ALSO", "\\fBsyncd.json\\fR(5), \\fBsystemd.exec\\fR(5)"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = sys.argv[1]
    dump = subprocess.run([binary, "--experimental-dump-help"], stdout=subprocess.PIPE, check=True).stdout
    version = subprocess.run([binary, "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()[-1]
    # The date of what is built, where it is known: then the same source makes the same page.
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    print("\n".join(page(json.loads(dump)["command"], version, date)))


if __name__ == "__main__":
    main()
