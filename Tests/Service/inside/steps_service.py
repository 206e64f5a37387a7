"""The service in good days: start, mirror, react, reload, and what drop-ins widen."""

import json
import os
import time
from pathlib import Path

from system import (
    CONFIG,
    CREDSTORE,
    PHOTOS,
    SERVICE,
    drop_in,
    failed_units,
    in_sync,
    journal,
    main_pid,
    make_root,
    properties,
    run,
    state,
    status,
    systemctl,
    wait_for,
    write,
    write_config,
)

# From an edit to the object.
REACTION_SECONDS = 3
MORE = PHOTOS.with_name("more")
DOWN = PHOTOS.with_name("down")
README = Path("/opt/test/README.md")
EXAMPLES = "/usr/share/doc/syncd/examples"


def photos(**keys):
    return {"name": "photos", "path": str(PHOTOS), "bucket": "photos", "prefix": "photos/", **keys}


def more(**keys):
    return {"name": "more", "path": str(MORE), "bucket": "photos", "prefix": "more/", **keys}


def object_is(world, key, content):
    return world.s3.head(world.bucket, key) is not None and world.s3.get(world.bucket, key) == content


def problems(folder):
    """The kinds of the folder's problems."""
    known = next(each for each in status()["folders"] if each["name"] == folder)
    return [problem["kind"] for problem in known["problems"]]


def status_text():
    return properties(SERVICE, "StatusText")["StatusText"]


def edit_arrives(world, name, content, seconds=30.0):
    """Writes a file of `photos`. - Returns: seconds until the object was seen."""
    write(PHOTOS / name, content)
    return wait_for(lambda: object_is(world, b"photos/" + name.encode(), content), f"{name} in the bucket", seconds)


def follow_the_readme(world):
    """Does what "Run it as a service" says, word for word, up to the start; what a person types is typed."""
    section = README.read_text().partition("\n## Run it as a service\n")[2].partition("\n## ")[0]
    lines = [line.partition(" # ")[0].strip() for line in section.split("```")[1].strip().splitlines()]
    typed = {"access-key-id": world.credentials.access_key, "secret-access-key": world.credentials.secret_key}
    assert lines[0].startswith("apt-get install ./syncd_"), lines[0]
    assert lines[-2:] == ["systemctl enable --now syncd", "systemctl status syncd"], lines[-2:]
    for line in lines[1:-2]:
        if line.startswith("editor "):
            assert line == f"editor {CONFIG}" and CONFIG.exists(), line
            write_config(world.endpoint, [photos()])
        else:
            key = next((key for name, key in typed.items() if line.endswith(f"/syncd-{name}")), "")
            run("bash", "-euc", line, input_text=key + "\n")
    systemctl("enable", SERVICE)


def it_starts_with_keys_of_the_credential_store(world):
    make_root(PHOTOS)
    for index in range(40):
        write(PHOTOS / f"2024/{index:02}.jpg", b"picture %d" % index)
    write(PHOTOS / "index.html", b"<p>")
    follow_the_readme(world)
    systemctl("start", "--no-block", SERVICE)
    seen = []
    wait_for(lambda: seen.append(state()) or seen[-1] not in ("inactive", "activating"), "it has started", every=0.005)
    assert seen[-1] == "active", seen
    # READY comes after lock, database, configuration and socket: whoever asks from now on is answered.
    assert status()["running"] is True
    assert "activating" in seen, "it was active before it said so"
    assert main_pid() != 0


it_starts_with_keys_of_the_credential_store.always = True


def the_folder_is_mirrored(world):
    wait_for(lambda: in_sync("photos"), "photos in sync")
    keys = set(world.s3.list(world.bucket, b"photos/"))
    files = {b"photos/" + str(path.relative_to(PHOTOS)).encode() for path in PHOTOS.rglob("*") if path.is_file()}
    assert keys == files, keys ^ files
    assert object_is(world, b"photos/2024/07.jpg", b"picture 7")


the_folder_is_mirrored.always = True


def an_edit_is_in_the_bucket_within_3_seconds(world):
    times = [edit_arrives(world, "index.html", b"<p>%d" % index, REACTION_SECONDS) for index in range(5)]
    world.tell(f"{min(times):.2f} to {max(times):.2f} s")


def systemctl_status_says_how_it_is(world):
    wait_for(lambda: "1 folder in sync" in status_text(), "a line of status", seconds=10)
    line = next(line.strip() for line in systemctl("status", SERVICE).splitlines() if "Status:" in line)
    world.tell(line)
    # Root asks as well, and from outside the service's view of /proc.
    assert json.loads(run("syncd", "status", "--json"))["running"] is True


def the_hardening_is_in_nobodys_way(world):
    lines = journal().splitlines()
    with open(f"/proc/{main_pid()}/limits", encoding="ascii") as file:
        limit = next(line.split()[3] for line in file if line.startswith("Max nice priority"))
    if limit == "0":
        # The machine under this one may not raise the limit: what LimitNICE= is for remains to be seen elsewhere.
        world.tell("LimitNICE= has no effect here")
        lines = [line for line in lines if "Failed to set thread priority" not in line]
    bad = [line for line in lines for words in ("Failed to", "not permitted", "denied") if words in line]
    assert not bad, bad


def no_key_is_in_the_journal_nor_in_the_environment(world):
    secret = world.credentials.secret_key
    assert secret not in run("journalctl", "--no-pager")
    assert secret not in systemctl("show", SERVICE)
    with open(f"/proc/{main_pid()}/environ", "rb") as file:
        assert secret.encode() not in file.read()
    assert (CREDSTORE / "syncd-secret-access-key").stat().st_mode & 0o077 == 0


def a_reload_takes_effect(world):
    make_root(MORE)
    write(MORE / "a.txt", b"a")
    pid = main_pid()
    write_config(world.endpoint, [photos(), more()])
    systemctl("reload", SERVICE)
    assert main_pid() == pid
    wait_for(lambda: object_is(world, b"more/a.txt", b"a"), "the new folder in the bucket", 10)


def a_broken_configuration_is_refused_and_the_old_one_goes_on(world):
    good = CONFIG.read_text()
    pid, begun = main_pid(), time.time()
    CONFIG.write_text(good.replace('"folders"', '"foldres"'))
    systemctl("reload", SERVICE, expect=1)
    assert "foldres" in journal(since=begun), journal(since=begun)
    # The signal is refused as well, by the daemon itself.
    systemctl("kill", "--kill-who=main", "--signal=HUP", SERVICE)
    wait_for(lambda: "reload refused" in journal(since=begun), "the refusal in the journal", 10)
    wait_for(lambda: state() == "active", "it is active again", 5)
    assert main_pid() == pid
    edit_arrives(world, "index.html", b"<p>after the refusal", REACTION_SECONDS)
    CONFIG.write_text(good)
    systemctl("reload", SERVICE)


def a_plan_is_the_daemons_and_needs_no_keys(_):
    output = run("runuser", "-u", "syncd", "--", "syncd", "plan", "photos")
    assert output == "nothing to do\n", output


def commands_that_need_keys_get_them_from_systemd_run(world):
    keys = [f"--property=LoadCredential=syncd-{name}" for name in ("access-key-id", "secret-access-key")]
    output = run("systemd-run", "--pipe", "--wait", "--quiet", "--uid=syncd", *keys, "syncd", "check")
    lines = output.splitlines()
    assert len(lines) == 10 and all(line.endswith(" ok") for line in lines), output
    assert 'systemd credential "syncd-access-key-id", key ' in output, output
    assert world.credentials.secret_key not in output


def an_encrypted_key_does_as_well(world):
    sealed = CONFIG.with_name("secret.cred")
    # As in docs/OPERATING.md; without a TPM the host's own key encrypts.
    secret = world.credentials.secret_key
    run("systemd-creds", "encrypt", "--name=syncd-secret-access-key", "-", sealed, input_text=secret)
    assert secret.encode() not in sealed.read_bytes()
    plain = CREDSTORE / "syncd-secret-access-key"
    kept = plain.rename(plain.with_suffix(".kept"))
    drop_in("sealed", f"[Service]\nLoadCredentialEncrypted=syncd-secret-access-key:{sealed}\n")
    systemctl("restart", SERVICE)
    edit_arrives(world, "index.html", b"<p>with an encrypted key")
    drop_in("sealed", "")
    kept.rename(plain)
    sealed.unlink()
    systemctl("restart", SERVICE)


def it_reads_only_what_its_user_may_until_a_drop_in_widens_that(world):
    private = PHOTOS / "private.txt"
    with open(os.open(private, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(b"for root alone")
    wait_for(lambda: problems("photos") == ["unreadable"], "the problem in the status", 20)
    wait_for(lambda: "photos 1 problem" in status_text(), "the problem in the line of status", 5)
    assert world.s3.head(world.bucket, b"photos/private.txt") is None
    drop_in("read-all", open(f"{EXAMPLES}/read-all.conf").read())
    systemctl("restart", SERVICE)
    wait_for(lambda: object_is(world, b"photos/private.txt", b"for root alone"), "the file in the bucket", 20)
    drop_in("read-all", "")
    private.unlink()
    systemctl("restart", SERVICE)


def it_writes_only_where_a_drop_in_lets_it(world):
    make_root(DOWN)
    world.s3.put(world.bucket, b"down/a.txt", b"from the bucket")
    folder = {"name": "down", "path": str(DOWN), "bucket": "photos", "prefix": "down/", "direction": "down"}
    write_config(world.endpoint, [photos(), more(), folder])
    systemctl("reload", SERVICE)

    wait_for(lambda: problems("down") == ["unwritable"], "the problem in the status", 20)
    assert os.listdir(DOWN) == []
    drop_in("folders", open(f"{EXAMPLES}/folders.conf").read().replace(str(PHOTOS), str(DOWN)))
    systemctl("restart", SERVICE)
    wait_for(lambda: (DOWN / "a.txt").exists(), "the file in the folder", 20)
    assert (DOWN / "a.txt").read_bytes() == b"from the bucket"
    write_config(world.endpoint, [photos(), more()])
    systemctl("reload", SERVICE)


def the_timer_runs_it_once_and_gives_way_to_the_daemon(world):
    timer = "syncd-once.timer"
    override = "/etc/systemd/system/syncd-once.timer.d"
    os.makedirs(override, exist_ok=True)
    with open(f"{override}/soon.conf", "w") as file:
        file.write("[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
    systemctl("daemon-reload")
    write(PHOTOS / "by-timer.txt", b"timer")
    systemctl("stop", SERVICE)
    write(PHOTOS / "by-timer.txt", b"by the timer")
    systemctl("start", timer)
    wait_for(lambda: object_is(world, b"photos/by-timer.txt", b"by the timer"), "the file in the bucket", 20)
    systemctl("start", SERVICE)
    assert state(timer) == "inactive"
    os.remove(f"{override}/soon.conf")
    systemctl("daemon-reload")
    wait_for(lambda: state("syncd-once.service") == "inactive", "the run has ended", 20)
    assert properties("syncd-once.service", "Result")["Result"] == "success"
    assert failed_units() == []
    wait_for(lambda: in_sync("photos"), "photos in sync")


STEPS = [
    it_starts_with_keys_of_the_credential_store,
    the_folder_is_mirrored,
    an_edit_is_in_the_bucket_within_3_seconds,
    systemctl_status_says_how_it_is,
    the_hardening_is_in_nobodys_way,
    no_key_is_in_the_journal_nor_in_the_environment,
    a_reload_takes_effect,
    a_broken_configuration_is_refused_and_the_old_one_goes_on,
    a_plan_is_the_daemons_and_needs_no_keys,
    commands_that_need_keys_get_them_from_systemd_run,
    an_encrypted_key_does_as_well,
    it_reads_only_what_its_user_may_until_a_drop_in_widens_that,
    it_writes_only_where_a_drop_in_lets_it,
    the_timer_runs_it_once_and_gives_way_to_the_daemon,
]
