#!/usr/bin/env python3
"""Writes the table of content types by file name extension that syncd sends with objects, from Debian's list of media types
(package media-types, /etc/mime.types), which follows IANA's registry:

    apt-get install media-types && scripts/content-types.py
"""

import datetime
import pathlib
import subprocess
import textwrap

SOURCE = pathlib.Path("/etc/mime.types")
TARGET = pathlib.Path(__file__).resolve().parent.parent / "Sources/SyncEngine/Remote/ContentTypeTable.swift"
COLUMNS = 112


def main():
    version = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "media-types"], capture_output=True, text=True, check=True
    ).stdout
    words, seen = [], set()
    for line in SOURCE.read_text().splitlines():
        fields = line.partition("#")[0].split()
        extensions = [extension.lower() for extension in fields[1:] if extension.lower() not in seen]
        seen.update(extensions)
        if extensions:
            words.append(fields[0] + "=" + ",".join(extensions))
    lines = "\n".join("        " + line for line in textwrap.wrap(" ".join(words), COLUMNS, break_on_hyphens=False))
    TARGET.write_text(
        f"""/// Content types by extension: made by scripts/content-types.py of Debian's media-types {version} on
/// {datetime.date.today().isoformat()}; not to be edited.
enum ContentTypeTable {{
    /// `type=extension,extension` and so on.
    static let text = \"\"\"
{lines}
        \"\"\"
}}
"""
    )


if __name__ == "__main__":
    main()
