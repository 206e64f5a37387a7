"""Writes docs/PROVIDERS.md from a run."""

import datetime

from expected import EXPECTED, SERVICES

TITLES = {
    "wrong_secret": "a wrong secret is",
    "unknown_key_id": "an unknown key id is",
    "wrong_region": "signed for another region",
    "keys_of_text": "keys: spaces, `+`, `%`, UTF-8 composed and not, emoji, quotes",
    "keys_with_control_characters": "keys: line breaks, tabs, 0x7f",
    "keys_that_xml_cannot_hold": "keys: 0x01",
    "keys_with_empty_segments": "keys: `a//b`, `/x`",
    "keys_with_dot_segments": "keys: `a/../b`, `./x`",
    "keys_with_backslashes": "keys: `back\\slash`",
    "keys_with_long_segments": "keys: a segment of 300 bytes",
    "a_key_beneath_a_key": "keys: `c` and `c/d`",
    "listing_in_pages": "listing more than a page",
    "listing_order": "listing in order",
    "listing_by_delimiter": "listing folders by `/`",
    "ranges": "a range is answered with",
    "download_resumed": "download in ranges, killed, resumed",
    "parts_etag": "the ETag of an object sent in parts is the MD5",
    "upload_resumed": "upload in parts, killed, resumed",
    "wrong_md5": "a wrong Content-MD5 is",
    "wrong_crc32c": "a wrong CRC32C is",
    "wrong_crc64nvme": "a wrong CRC64NVME is",
    "put_if_none_match": "PUT with If-None-Match",
    "put_if_match": "PUT with If-Match",
    "delete_if_match": "DELETE with If-Match",
    "get_if_match": "GET with If-Match",
    "capabilities_seen": "`syncd check --probe` sees",
    "overwrites_both_ways": "both ways, an overwrite is",
    "parts_both_ways": "the same of what goes up in parts is",
    "deletes_both_ways": "both ways, a delete is",
    "deletes_in_batches": "deletes in batches",
    "times_and_modes": "modification times and modes",
    "mirror_up": "mirror up",
    "mirror_down": "mirror down",
    "mirror_up_with_crashes": "mirror up, ended at places between effects",
    "mirror_down_with_crashes": "mirror down, ended at places between effects",
    "mirror_with_kills": "mirrors up and down, killed at random",
    "both_ways": "two machines both ways: edits, deletes, conflicts",
    "both_ways_with_crashes": "the same, ended at places between effects",
    "both_ways_with_kills": "the same, killed at random",
}

BEGIN = "<!-- table -->"
END = "<!-- end of table -->"

HEAD = """# Services

What syncd was tried with, and what each service does with it. The table is written by

```
make conformance
```

which installs and starts each service on this machine, runs the real binary and asks the services themselves, and fails
where one does otherwise than is expected. Its last run was on {date}.

"""

TAIL = """

*works*: as sent, found again, and nothing lost. *refused*: the service says no; syncd reports that one path and goes on.
*folded*: the service lists the key as another; syncd finds that out before it uploads such a name, and reports it.
*stored*, *ignored*: the service does not look. syncd never relies on what a service was not seen to refuse: it compares
ETags and digests of what it sent and received, and looks at an object just before it replaces or deletes it.
*guarded*: the service makes sure of what syncd replaces or deletes, in the very request. *unguarded*: a HEAD comes just
before, and what another machine writes in the moment between the two is overwritten
([what to do](OPERATING.md#where-writes-are-unguarded)).

moto takes any signature and checks no digest: what it passes proves nothing about these.

`rclone serve s3` answers from memory for a while and lists a key with a line break rightly until it reads its directory anew:
a trial does not show what becomes of it. Say `"capabilities": {"controlCharacters": false}` for such a connection.

## Not tried

No account of these was at hand. What their documents and their users say, as known in 2026-11; nothing of it was tried:

| service | addressing | what is said |
| --- | --- | --- |
| AWS S3 | virtual | conditional PUT since 2024, conditional DELETE since 2025; CRC64NVME and CRC32C checked; keys listed by bytes |
| Cloudflare R2 | path, region `auto` | conditional PUT; parts but the last must be equal (ours are); ETags of objects sent in parts are random, so such objects are verified part by part on their way up |
| MinIO | path | conditional PUT, no conditional DELETE; refuses `//`, `.`, `..` and a key beneath a key |
| DigitalOcean Spaces | virtual | limits how often one object may be written |
| Wasabi | path or virtual | bills objects for 90 days at least |
| Backblaze B2 | path or virtual | wants bodies signed: they are (`provider`, known by the host) |
| Hetzner Object Storage | virtual | Ceph of a newer version than the one above |
| Google Cloud Storage | path | its XML interface with HMAC keys; no aws-chunked, which syncd never sends |
| Scaleway | path | 1,000 parts at most: larger parts are sent (`provider`, known by the host) |
| Storj | path | parts of 64 MiB |

If you use one of them: `syncd check` says what it can, and a report is welcome.
"""


def document(table, versions):
    """The document of a run."""
    servers = [server for server in SERVICES if server in table]
    lines = [BEGIN, "| | " + " | ".join(versions[server] for server in servers) + " |"]
    lines.append("| --- |" + " --- |" * len(servers))
    for name in EXPECTED:
        cells = [str(table[server].get(name)) for server in servers]
        lines.append(f"| {TITLES[name]} | " + " | ".join(cells) + " |")
    lines.append(END)
    return HEAD.format(date=datetime.date.today().isoformat()) + "\n".join(lines) + TAIL


def same_tables(one, other):
    """Whether two documents have the same table; the dates may differ."""
    return _table(one) == _table(other)


def _table(text):
    return text.partition(BEGIN)[2].partition(END)[0]
