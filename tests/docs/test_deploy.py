"""deploy/: what can be said of a unit, an image and two database roles without installing them (S20, S21).

A hardening line that somebody removed to try something is missed by nobody until it is needed. The database roles
are tried on a real server; the rest is read.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from configparser import RawConfigParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from sysconfig import get_path
from types import ModuleType

import pytest
import yaml
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from bot.settings import Settings, inherited_environment
from tests.bot.cli import forked
from tests.deadlines import PATIENCE
from tests.storage.database import scratch

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def pinned(lock: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==\S+", lock.read_text("utf-8"), re.MULTILINE))


def test_a_deployment_installs_what_was_tested() -> None:
    """Its lock is a part of the developers' lock, version by version, and every package has its hashes."""
    ours, tested = pinned(DEPLOY / "requirements.lock"), pinned(ROOT / "requirements.lock")
    assert ours <= tested
    assert not [name for name in ours if name.startswith(("pytest", "sphinx", "playwright", "mypy", "ruff"))]
    blocks = re.split(r"\n(?=\w)", (DEPLOY / "requirements.lock").read_text("utf-8"))
    assert [block.split()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["enlace.service", "enlace-backup.service"])
def test_the_units_run_as_nobody_in_particular_and_write_in_one_place(name: str) -> None:
    """Not root, no capabilities, a read-only system; secrets come from a file that systemd reads, never from argv."""
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / name, "utf-8")
    service = dict(unit["Service"])
    assert service["User"] == "enlace"
    assert service["CapabilityBoundingSet"] == ""
    assert service["StateDirectory"].startswith("enlace")
    assert service["EnvironmentFile"] == "/etc/enlace/enlace.env"
    wanted = {
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "NoNewPrivileges": "yes",
        "UMask": "0077",
    }
    assert {key: service[key] for key in wanted} == wanted
    assert not [value for value in service.values() if "ENLACE_" in value]


def test_the_containers_can_do_nothing_but_serve() -> None:
    """Non-root, read-only, no capabilities, and only `prepare` connects as the role that may make tables."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    for name in ("bot", "second", "prepare"):
        service = services[name]
        assert (service["read_only"], service["cap_drop"], service["user"]) == (True, ["ALL"], "10001:10001"), name
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "enlace_app:" in services["bot"]["environment"]["ENLACE_DATABASE_URL"]
    assert "enlace_owner:" in services["prepare"]["environment"]["ENLACE_DATABASE_URL"]
    assert "USER 10001:10001" in (DEPLOY / "Containerfile").read_text("utf-8")


def test_deploy_knows_only_settings_that_exist() -> None:
    """A setting that is misspelt is silently another deployment."""
    known = {f"ENLACE_{name.upper()}" for name in Settings.model_fields}
    files = [path for path in DEPLOY.iterdir() if path.is_file()]
    named = {name for path in files for name in re.findall(r"\bENLACE_[A-Z_]+", path.read_text("utf-8"))}
    assert named - known == set()


# ------------------------------------------------------------------ PostgreSQL
@pytest.fixture
def roles() -> Iterator[tuple[str, str]]:
    """A new database with the two roles, as the script makes them: the owner's and the app's address."""
    if shutil.which("psql") is None:
        pytest.skip("PostgreSQL's psql is not installed: the script that makes the roles needs it")
    server = make_url(scratch.POSTGRES)
    with scratch.server_or_skip() as engine:
        name = f"enlace_{uuid.uuid4().hex[:10]}"
        owner, app = f"{name}_owner", f"{name}_app"
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        where = {
            "PGHOST": server.host,
            "PGPORT": str(server.port or 5432),
            "PGUSER": server.username,
            "PGPASSWORD": server.password,
        }
        given = {
            "POSTGRES_DB": name,
            "OWNER_ROLE": owner,
            "APP_ROLE": app,
            "OWNER_PASSWORD": "o'wner",
            "APP_PASSWORD": "app",
        }
        environment = inherited_environment() | {key: value for key, value in where.items() if value} | given
        try:
            subprocess.run(["sh", DEPLOY / "postgres-roles.sh"], env=environment, check=True, timeout=PATIENCE)
            addresses = [
                server.set(database=name, username=role, password=word).render_as_string(hide_password=False)
                for role, word in ((owner, "o'wner"), (app, "app"))
            ]
            yield addresses[0], addresses[1]
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
                connection.execute(text(f"DROP ROLE IF EXISTS {owner}"))
                connection.execute(text(f"DROP ROLE IF EXISTS {app}"))


def test_the_script_that_makes_the_roles_shows_nobody_their_passwords(tmp_path: Path) -> None:
    """S22: not among the arguments of psql, which everybody on the machine can read."""
    psql, given = tmp_path / "psql", {"OWNER_PASSWORD": "swordfish", "APP_PASSWORD": "marlin", "POSTGRES_DB": "x"}
    psql.write_text('#!/bin/sh\necho "$@" >"$NOTED"\necho "$OWNER_PASSWORD $APP_PASSWORD" >>"$NOTED"\ncat >/dev/null\n')
    psql.chmod(0o700)
    noted = tmp_path / "noted"
    environment = inherited_environment() | given | {"NOTED": str(noted)}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    subprocess.run(["sh", DEPLOY / "postgres-roles.sh"], env=environment, check=True, timeout=PATIENCE)
    arguments, handed = noted.read_text().splitlines()
    assert "--dbname x" in arguments
    assert not [word for word in ("swordfish", "marlin") if word in arguments]
    assert handed == "swordfish marlin"


@pytest.mark.slow
def test_the_app_role_serves_and_cannot_change_a_table(roles: tuple[str, str], tmp_path: Path) -> None:
    """S20: `init` as the owner, everything else as the app; a bot that is taken over drops no table."""
    owner, app = roles

    def enlace(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = inherited_environment() | {"ENLACE_DATABASE_URL": address, "PYTHONPATH": str(ROOT)}
        return forked.run(*arguments, cwd=tmp_path, env=environment)

    made = enlace(owner, "init")
    assert made.returncode == 0, made.stderr
    for command in (
        ("db", "check"),
        ("people", "add", "--telegram-id", "501", "--name", "Ana", "--role", "focal_point", "--agency", "PN"),
        ("invite", "--role", "coordinator"),
        ("people", "suspend", "--telegram-id", "501"),
    ):
        done = enlace(app, *command)
        assert done.returncode == 0, done.stderr

    engine = create_engine(app)
    for statement in (
        "DROP TABLE audit_entry",
        "TRUNCATE audit_entry",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entry_unchanged ON audit_entry",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE person ADD x int",
        "TRUNCATE person",
    ):
        with engine.connect() as connection, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            connection.execute(text(statement))
    engine.dispose()


def test_a_package_that_is_not_the_one_that_was_locked_is_refused(tmp_path: Path) -> None:
    """S21: a planted mismatch fails the installation, whatever the name and the version say."""
    wheel = tmp_path / "planted-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("planted.py", "")
        archive.writestr("planted-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        archive.writestr(
            "planted-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("planted-1.0.dist-info/RECORD", "")
    lock = tmp_path / "planted.lock"

    def install(sha256: str) -> subprocess.CompletedProcess[str]:
        lock.write_text(f"planted==1.0 --hash=sha256:{sha256}\n")
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--find-links", str(tmp_path)]
        command += ["--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert install(hashlib.sha256(wheel.read_bytes()).hexdigest()).returncode == 0
    refused = install("0" * 64)
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr


@pytest.fixture(scope="module")
def supply() -> ModuleType:
    """deploy/supply/supply.py, which is run by make and is in no package."""
    spec = spec_from_file_location("supply", DEPLOY / "supply" / "supply.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_licence_of_each_package_is_known_and_asks_nothing_of_those_who_use_it(supply: ModuleType) -> None:
    """docs/licences.md is of today's lock; no package is under a licence that reaches what uses it unchanged."""
    known = dict(supply.licences(get_path("purelib")))
    assert supply.PAGE.read_text("utf-8") == supply.page(get_path("purelib")), "make licences"
    assert set(supply.locked()) - set(known) <= {"colorama"}, "only what Windows alone installs is not here to be asked"
    ours = ["Apache", "BSD", "CNRI", "ISC", "LGPL", "MIT", "MPL", "PSF", "Zlib"]
    parts = {
        name: re.split(r" (?:AND|OR) ", licence.replace("(", "").replace(")", "")) for name, licence in known.items()
    }
    assert {name for name, each in parts.items() if not all(part.startswith(tuple(ours)) for part in each)} == set()


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 packages, no known vulnerability"),
        ([{"name": "a", "skip_reason": "?"}], 2, "Nothing was checked"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "?"}], 2, "No data on 1 of 2"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: PYSEC-1, mended in 2",
        ),
    ],
)
def test_no_data_is_never_taken_for_no_vulnerability(
    supply: ModuleType, answers: list[dict[str, object]], code: int, said: str
) -> None:
    text, exit_code = supply.verdict(answers)
    assert exit_code == code
    assert said in text


def test_a_commit_makes_the_same_wheel_wherever_it_is_made(tmp_path: Path) -> None:
    """Made in two clones by two people, one of whom shares nothing with others (umask 077): the same bytes."""
    made = set()
    for umask in ("022", "077"):
        clone = tmp_path / umask
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True)
        command = f"umask {umask} && make --silent -o '{sys.prefix}/.installed' wheel VENV='{sys.prefix}'"
        subprocess.run(["bash", "-c", command], cwd=clone, check=True, stdout=subprocess.DEVNULL)
        [wheel] = (clone / "dist").glob("*.whl")
        made.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(made) == 1
