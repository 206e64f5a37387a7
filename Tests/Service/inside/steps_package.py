"""The package: what it brings, what it starts and what it leaves."""

import re
from pathlib import Path

from system import CONFIG, CREDSTORE, PHOTOS, SERVICE, STATE, failed_units, main_pid, properties, run, state, systemctl

PACKAGE = "/opt/test/syncd.deb"
UNITS = [SERVICE, "syncd-once.service", "syncd-once.timer"]
# Of 10, in `systemd-analyze security`.
MAXIMUM_EXPOSURE = 2.0


def install():
    # Nothing can be fetched here: that it installs shows that it depends on what was laid into the root, and no more.
    return run("apt-get", "install", "-y", "--no-install-recommends", "--allow-downgrades", "--reinstall", PACKAGE)


def the_package_installs(world):
    output = install()
    assert "warning" not in output.lower(), output
    fields = run("dpkg-query", "-W", "-f", "${Version}\\t${Installed-Size}\\t${Depends}", "syncd").split("\t")
    packed = Path(PACKAGE).stat().st_size / 2**20
    world.tell(f"{fields[0]}, {packed:.1f} MiB packed, {int(fields[1]) / 1024:.0f} MiB installed")
    assert "syncd:" in run("getent", "passwd", "syncd")
    assert run("syncd", "--version").startswith("syncd ")


the_package_installs.always = True


def it_brings_manual_pages_completions_and_examples(_):
    for path in (
        "share/man/man1/syncd.1.gz",
        "share/man/man5/syncd.json.5.gz",
        "share/bash-completion/completions/syncd",
        "share/zsh/vendor-completions/_syncd",
        "share/fish/vendor_completions.d/syncd.fish",
        "share/doc/syncd/copyright",
        "share/doc/syncd/examples/folders.conf",
    ):
        assert Path("/usr", path).stat().st_size > 0, path
    run("bash", "-n", "/usr/share/bash-completion/completions/syncd")
    assert run("dpkg-query", "-W", "-f", "${Conffiles}", "syncd").split()[0] == "/etc/syncd/config.json.example"


def without_a_configuration_nothing_starts_and_nothing_fails(_):
    assert not CONFIG.exists()
    assert state() == "inactive", "the package started it"
    assert systemctl("is-enabled", SERVICE, expect=1).strip() == "disabled"
    for unit in (SERVICE, "syncd-once.service"):
        systemctl("start", unit)
        assert state(unit) == "inactive", unit
        assert properties(unit, "ConditionResult")["ConditionResult"] == "no", unit
    assert failed_units() == []


def systemd_finds_nothing_wrong_with_the_units(_):
    output = run("systemd-analyze", "verify", "--man=no", *UNITS)
    assert output == "", output


def the_units_are_exposed_to_2_of_10_at_most(world):
    for unit in UNITS[:2]:
        output = run("systemd-analyze", "security", "--no-pager", unit)
        score = float(re.search(r"exposure level for \S+: ([\d.]+)", output)[1])
        world.tell(f"{unit} {score}")
        assert score <= MAXIMUM_EXPOSURE, output


def installing_it_again_goes_on_with_the_service(_):
    pid = main_pid()
    assert pid
    install()
    assert state() == "active"
    assert main_pid() not in (0, pid)


def removing_it_stops_the_service_and_keeps_the_state(_):
    run("apt-get", "remove", "-y", "syncd")
    assert state() in ("inactive", "failed")
    assert main_pid() == 0
    assert (STATE / "index.db").exists()
    assert CONFIG.exists()
    assert failed_units() == []


def purging_it_leaves_folders_and_keys_and_nothing_else(_):
    run("apt-get", "purge", "-y", "syncd")
    for path in (STATE, CONFIG.parent, Path("/usr/bin/syncd"), Path("/usr/lib/systemd/system/syncd.service")):
        assert not path.exists(), path
    wants = Path("/etc/systemd/system/multi-user.target.wants/syncd.service")
    assert not wants.is_symlink()
    assert (PHOTOS / "index.html").exists()
    assert (CREDSTORE / "syncd-access-key-id").exists()
    assert failed_units() == []
    assert run("dpkg-query", "-W", "-f", "${db:Status-Status}", "syncd", expect=None).strip() != "installed"


BEFORE = [
    the_package_installs,
    it_brings_manual_pages_completions_and_examples,
    without_a_configuration_nothing_starts_and_nothing_fails,
    systemd_finds_nothing_wrong_with_the_units,
    the_units_are_exposed_to_2_of_10_at_most,
]
AFTER = [
    installing_it_again_goes_on_with_the_service,
    removing_it_stops_the_service_and_keeps_the_state,
    purging_it_leaves_folders_and_keys_and_nothing_else,
]
