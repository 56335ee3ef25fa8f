"""NATS as others run it: with TLS, with nkeys or JWTs instead of passwords, with three nodes.

The accounts are those of headway/jetstream/accounts.py, in the form that each way to log in needs.
"""

import asyncio
import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import nkeys
import trustme
import yaml

from headway.jetstream.accounts import accounts, role_account
from headway.subjects import Names
from tests.charts.helm import CHARTS
from tests.charts.pods import NatsProcess
from tests.fixtures.services import free_port

FILE = CHARTS.parent / "deploy" / "nats" / "values-ha.yaml"
ROLES = ("streamer", "processor", "reporter")
STORE_BYTES = 10**9
CURVE = {"operator": nkeys.PREFIX_BYTE_OPERATOR, "account": nkeys.PREFIX_BYTE_ACCOUNT, "user": nkeys.PREFIX_BYTE_USER}


class Key:
    """An nkey of a role."""

    def __init__(self, role: str, random: bytes) -> None:
        self.seed = nkeys.encode_seed(random, CURVE[role]).decode()
        self.public = nkeys.from_seed(bytearray(self.seed.encode())).public_key.decode()

    def sign(self, data: bytes) -> bytes:
        return nkeys.from_seed(bytearray(self.seed.encode())).sign(data)

    def token(self, subject: "Key", name: str, claims: dict[str, Any]) -> str:
        """A JWT in which this key says `claims` of `subject`."""
        now = int(time.time())
        body = {"jti": name, "iat": now, "iss": self.public, "sub": subject.public, "name": name}
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, body | {"nats": {"version": 2, **claims}}]
        text = ".".join(_url64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_url64(self.sign(text.encode()))}"


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


UNLIMITED = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {"wildcards": True}
STORAGE = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1) | {"disk_storage": STORE_BYTES}


def described() -> dict[str, Any]:
    """The accounts of the namespace hw."""
    return accounts(Names(), max_file=str(STORE_BYTES))


def by_creds() -> tuple[dict[str, Any], dict[str, str]]:
    """An operator with the accounts: the part of the configuration, and the credentials of all roles."""
    operator, system = Key("operator", b"o" * 32), Key("account", b"s" * 32)
    made = described()
    keys = {name: Key("account", f"{place:032d}".encode()) for place, name in enumerate(made)}
    tokens = {system.public: operator.token(system, "SYS", {"type": "account", "limits": UNLIMITED})}
    files = {}
    for name, account in made.items():
        limits = UNLIMITED | (STORAGE if "jetstream" in account else {})
        claims = {"type": "account", "limits": limits, "exports": _exported(account), "imports": _imported(name, keys)}
        tokens[keys[name].public] = operator.token(keys[name], name, claims)
        for _ in account.get("users", []):
            role = name.partition("_")[2].lower()
            files[f"{role}.creds"] = _credentials(keys[name], role, account["default_permissions"])
    return {
        "operator": operator.token(operator, "O", {"type": "operator"}),
        "system_account": system.public,
        "resolver": "MEMORY",
        "resolver_preload": tokens,
    }, files


def _exported(account: dict[str, Any]) -> list[dict[str, Any]]:
    """Its exports as claims: the importer needs a token of the exporter."""
    claims = []
    for export in account.get("exports", []):
        (kind,) = export.keys() & {"service", "stream"}
        response = {"response_type": export.get("response_type", "Singleton")} if kind == "service" else {}
        claims.append({"name": export[kind], "subject": export[kind], "type": kind, "token_req": True, **response})
    return claims


def _imported(name: str, keys: dict[str, Key]) -> list[dict[str, Any]]:
    """The imports of an account as claims, with the tokens of the exporters."""
    claims = []
    for imported in described()[name].get("imports", []):
        ((kind, source),) = imported.items()
        subject, exporter = source["subject"], keys[source["account"]]
        token = exporter.token(keys[name], subject, {"type": "activation", "subject": subject, "kind": kind})
        claims.append({"name": subject, "subject": subject, "account": exporter.public, "type": kind, "token": token})
    return claims


def _credentials(account: Key, role: str, permissions: dict[str, Any]) -> str:
    """The file of a user: its JWT and its seed."""
    user = Key("user", role[:1].encode() * 32)
    rights = {"type": "user", "pub": permissions["publish"], "sub": permissions["subscribe"]}
    token = account.token(user, role, rights | dict.fromkeys(("subs", "data", "payload"), -1))
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )


def by_nkey() -> tuple[dict[str, Any], dict[str, str]]:
    """Users that are public keys: the part of the configuration, and the seeds of all roles."""
    made, files = described(), {}
    for role in ROLES:
        key = Key("user", role[:1].encode() * 32)
        made[role_account(Names(), role)]["users"] = [{"nkey": key.public}]
        files[f"{role}.nk"] = key.seed
    made[Names().jetstream_account]["jetstream"] = {"max_file": STORE_BYTES}
    return {"accounts": made}, files


def secret(name: str, contents: dict[str, str]) -> dict[str, Any]:
    """What an operator makes with kubectl before installing."""
    return {"kind": "Secret", "metadata": {"name": name}, "stringData": contents}


class Certificates:
    """An authority, the server's certificate and that of its clients."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        authority = trustme.CA()
        self._server = authority.issue_cert("127.0.0.1")
        client = authority.issue_cert("headway@example.org")
        self._authority = authority.cert_pem.bytes().decode()
        self.server_secret = {
            "ca.crt": self._authority,
            "tls.crt": self._server.cert_chain_pems[0].bytes().decode(),
            "tls.key": self._server.private_key_pem.bytes().decode(),
        }
        self.secret = {
            "ca.crt": self._authority,
            "tls.crt": client.cert_chain_pems[0].bytes().decode(),
            "tls.key": client.private_key_pem.bytes().decode(),
        }

    def configuration(self, *, verify: bool) -> dict[str, Any]:
        """The server's TLS; with `verify` clients need a certificate."""
        names = {"ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"}
        texts = {name: self.server_secret[key] for name, key in names.items()}
        for name, text in texts.items():
            (self._directory / name).write_text(text)
        return {"tls": {name: str(self._directory / name) for name in texts} | {"verify": verify}}


def start_node(
    directory: Path, name: str, configuration: dict[str, Any], environment: dict[str, str] | None = None
) -> NatsProcess:
    """A node with JetStream and that configuration besides."""
    node = NatsProcess(directory, name)
    node.environment = environment or {}
    base = {
        "server_name": name,
        "listen": f"127.0.0.1:{node.port}",
        "http": f"127.0.0.1:{node.monitor}",
        "jetstream": {"store_dir": str(directory / name)},
    }
    # As the official chart does it: what is in angle brackets is written without quotes.
    node.start(re.sub(r'"<< (.*?) >>"', r"\1", json.dumps(base | configuration)))
    return node


class Cluster:
    """Three nodes with the accounts of deploy/nats/values-ha.yaml."""

    def __init__(self, directory: Path) -> None:
        values = yaml.safe_load(FILE.read_text())["config"]
        self.users = {role: f"hw_{role}" for role in ROLES}
        self.passwords = {role: f"pw-{role}" for role in ROLES}
        environment = {f"HW_{role.upper()}_PASSWORD": password for role, password in self.passwords.items()}
        environment |= {f"HW_{role.upper()}_2_PASSWORD": f"spare-{role}" for role in ROLES}
        environment |= {"HW_ADMIN_PASSWORD": "pw-admin", "HW_OPERATOR_PASSWORD": "pw-operator"}
        ports = [free_port() for _ in range(values["cluster"]["replicas"])]
        routes = [f"nats://127.0.0.1:{port}" for port in ports]
        self.nodes = {
            f"nats-{place}": start_node(
                directory,
                f"nats-{place}",
                values["merge"]
                | {"cluster": {"name": "c", "listen": f"127.0.0.1:{port}", "routes": routes}}
                | {"jetstream": {"store_dir": str(directory / f"nats-{place}"), **values["jetstream"]["merge"]}},
                environment,
            )
            for place, port in enumerate(ports)
        }

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes.values())

    def secret(self) -> dict[str, Any]:
        """The secret with the users that the services use."""
        users = {f"{role}-user": user for role, user in self.users.items()}
        passwords = {f"{role}-password": password for role, password in self.passwords.items()}
        return secret("headway-nats", users | passwords)

    def wait_ready(self) -> None:
        """Return when all nodes answer their health checks."""
        for node in self.nodes.values():
            node.wait_ready()

    async def restart(self, environment: dict[str, str]) -> None:
        """Restart node after node with those variables besides, as a StatefulSet does it."""
        for node in reversed(self.nodes.values()):
            await asyncio.to_thread(node.terminate)
            node.environment = node.environment | environment
            node.restart()  # not in a thread, with which it would end
            await asyncio.to_thread(node.wait_ready)

    def kill(self) -> None:
        """End all nodes."""
        for node in self.nodes.values():
            node.kill()

    def leader_of(self, stream: str) -> str:
        """The node that leads a stream."""
        for node in self.nodes.values():
            for account in node.ask("/jsz?streams=1")["account_details"]:
                for detail in account["stream_detail"]:
                    if detail["name"] == stream and detail["cluster"].get("leader"):
                        return detail["cluster"]["leader"]
        raise AssertionError(f"nobody leads {stream}")
