"""What each service is expected to do with each check: data, in the order of the document. A cell that is otherwise than
here fails the run, whether it is worse or better."""

SERVICES = ["seaweedfs", "ceph", "swift", "rclone", "moto"]


def row(*cells):
    """The cells of a row; one alone stands for all services."""
    return dict(zip(SERVICES, cells * len(SERVICES) if len(cells) == 1 else cells, strict=True))


# Services that do not say when an upload was begun: what a crash leaves before its id is saved cannot be told from others'
# and stays. moto says 2010 of all.
UNDATED_UPLOADS = {"moto"}

EXPECTED = {
    # Signing.
    "wrong_secret": row("refused", "refused", "refused", "refused", "not looked at"),
    "unknown_key_id": row("refused", "refused", "refused", "refused", "not looked at"),
    "wrong_region": row("works"),
    # Keys.
    "keys_of_text": row("works"),
    "keys_with_control_characters": row("works", "works", "works", "folded", "refused"),
    "keys_that_xml_cannot_hold": row("works", "works", "works", "folded", "works"),
    "keys_with_empty_segments": row("folded", "works", "works", "refused", "works"),
    "keys_with_dot_segments": row("refused", "works", "works", "refused", "works"),
    "keys_with_backslashes": row("folded", "works", "works", "works", "works"),
    "keys_with_long_segments": row("refused", "works", "works", "refused", "works"),
    "a_key_beneath_a_key": row("works", "works", "works", "refused", "works"),
    # Listings.
    "listing_in_pages": row("works"),
    "listing_order": row("by directory", "by bytes", "by bytes", "by bytes", "by bytes"),
    "listing_by_delimiter": row("works"),
    # Large objects.
    "ranges": row("206", "206", "206", "200", "206"),
    "download_resumed": row("works"),
    "parts_etag": row("of the parts", "of the parts", "of the parts", "of the whole", "of the parts"),
    "upload_resumed": row("works"),
    # Digests.
    "wrong_md5": row("refused", "refused", "refused", "refused", "stored"),
    "wrong_crc32c": row("refused", "stored", "stored", "stored", "stored"),
    "wrong_crc64nvme": row("refused", "stored", "stored", "stored", "stored"),
    # Conditions.
    "put_if_none_match": row("honoured", "honoured", "501", "ignored", "honoured"),
    "put_if_match": row("honoured", "unquoted only", "501", "ignored", "honoured"),
    "delete_if_match": row("honoured", "ignored", "honoured", "ignored", "honoured"),
    "get_if_match": row("honoured", "honoured", "honoured", "ignored", "honoured"),
    # What `syncd check --probe` finds is what the rows above say.
    "capabilities_seen": row("as above"),
    # What writes of a folder that syncs both ways go by, as it found out itself.
    "overwrites_both_ways": row("guarded", "guarded", "unguarded", "unguarded", "guarded"),
    "parts_both_ways": row("guarded", "unguarded", "unguarded", "unguarded", "unguarded"),
    "deletes_both_ways": row("guarded", "unguarded", "guarded", "unguarded", "guarded"),
    # Deletes.
    "deletes_in_batches": row("works"),
    # Mirrors.
    "times_and_modes": row("kept"),
    "mirror_up": row("works"),
    "mirror_down": row("works"),
    "mirror_up_with_crashes": row("works"),
    "mirror_down_with_crashes": row("works"),
    "mirror_with_kills": row("works"),
    # Both ways, two machines with one prefix.
    "both_ways": row("works"),
    "both_ways_with_crashes": row("works"),
    "both_ways_with_kills": row("works"),
}
