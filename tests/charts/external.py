"""NATS as others run it: with TLS, with nkeys or JWTs instead of passwords, with three nodes.

What the accounts may do comes from deploy/nats/values-ha.yaml.
"""

import base64
import json
import time
from pathlib import Path
from typing import Any

import nkeys
import trustme
import yaml

from tests.charts.helm import CHARTS
from tests.charts.pods import NatsProcess
from tests.fixtures.services import free_port

FILE = CHARTS.parent / "deploy" / "nats" / "values-ha.yaml"
SERVICES = ("processor", "streamer")
CURVE = {"operator": nkeys.PREFIX_BYTE_OPERATOR, "account": nkeys.PREFIX_BYTE_ACCOUNT, "user": nkeys.PREFIX_BYTE_USER}


def permissions() -> dict[str, dict[str, Any]]:
    """What each service's account may publish and subscribe to."""
    users = yaml.safe_load(FILE.read_text())["config"]["merge"]["authorization"]["users"]
    return {user["user"]: user["permissions"] for user in users}


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
STORAGE = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)


def by_creds() -> tuple[dict[str, Any], dict[str, str]]:
    """An operator with an account: the part of the configuration, and the files of both services."""
    operator, system, account = Key("operator", b"o" * 32), Key("account", b"s" * 32), Key("account", b"a" * 32)
    accounts = {
        system.public: operator.token(system, "SYS", {"type": "account", "limits": UNLIMITED}),
        account.public: operator.token(account, "HEADWAY", {"type": "account", "limits": UNLIMITED | STORAGE}),
    }
    files = {}
    for service, allowed in permissions().items():
        user = Key("user", service[:1].encode() * 32)
        rights = {
            "type": "user",
            "pub": allowed["publish"],
            "sub": allowed["subscribe"],
            "subs": -1,
            "data": -1,
            "payload": -1,
        }
        token = account.token(user, service, rights)
        files[f"{service}.creds"] = (
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
    return {
        "operator": operator.token(operator, "O", {"type": "operator"}),
        "system_account": system.public,
        "resolver": "MEMORY",
        "resolver_preload": accounts,
    }, files


def by_nkey() -> tuple[dict[str, Any], dict[str, str]]:
    """Users that are public keys: the part of the configuration, and the files of both services."""
    keys = {service: Key("user", service[:1].encode() * 32) for service in SERVICES}
    users = [{"nkey": keys[service].public, "permissions": allowed} for service, allowed in permissions().items()]
    return {"authorization": {"users": users}}, {f"{service}.nk": key.seed for service, key in keys.items()}


class Certificates:
    """An authority, the server's certificate and that of its clients."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        authority = trustme.CA()
        self._server = authority.issue_cert("127.0.0.1")
        client = authority.issue_cert("headway@example.org")
        self._authority = authority.cert_pem.bytes().decode()
        self.secret = {
            "ca.crt": self._authority,
            "tls.crt": client.cert_chain_pems[0].bytes().decode(),
            "tls.key": client.private_key_pem.bytes().decode(),
        }

    def configuration(self, *, verify: bool) -> dict[str, Any]:
        """The server's TLS; with `verify` clients need a certificate."""
        texts = {
            "ca_file": self._authority,
            "cert_file": self._server.cert_chain_pems[0].bytes().decode(),
            "key_file": self._server.private_key_pem.bytes().decode(),
        }
        for name, text in texts.items():
            (self._directory / name).write_text(text)
        return {"tls": {name: str(self._directory / name) for name in texts} | {"verify": verify}}


def start_node(directory: Path, name: str, configuration: dict[str, Any]) -> NatsProcess:
    """A node with JetStream and that configuration besides."""
    node = NatsProcess(directory, name)
    base = {
        "server_name": name,
        "listen": f"127.0.0.1:{node.port}",
        "http": f"127.0.0.1:{node.monitor}",
        "jetstream": {"store_dir": str(directory / name)},
    }
    node.start(json.dumps(base | configuration))
    return node


class Cluster:
    """Three nodes with the accounts of deploy/nats/values-ha.yaml."""

    def __init__(self, directory: Path) -> None:
        values = yaml.safe_load(FILE.read_text())["config"]
        text = json.dumps(values["merge"])
        self.passwords = {service: f"pw-{service}" for service in SERVICES}
        for service, password in self.passwords.items():
            assert f"<< ${service.upper()}_PASSWORD >>" in text
            text = text.replace(f"<< ${service.upper()}_PASSWORD >>", password)
        ports = [free_port() for _ in range(values["cluster"]["replicas"])]
        routes = [f"nats://127.0.0.1:{port}" for port in ports]
        self.nodes = {
            f"nats-{place}": start_node(
                directory,
                f"nats-{place}",
                json.loads(text)
                | {"cluster": {"name": "c", "listen": f"127.0.0.1:{port}", "routes": routes}}
                | {"jetstream": {"store_dir": str(directory / f"nats-{place}"), **values["jetstream"]["merge"]}},
            )
            for place, port in enumerate(ports)
        }

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes.values())

    def leader_of(self, stream: str) -> str:
        """The node that leads a stream."""
        for node in self.nodes.values():
            for account in node.ask("/jsz?streams=1")["account_details"]:
                for detail in account["stream_detail"]:
                    if detail["name"] == stream and detail["cluster"].get("leader"):
                        return detail["cluster"]["leader"]
        raise AssertionError(f"nobody leads {stream}")
