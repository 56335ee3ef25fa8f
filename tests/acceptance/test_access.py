"""Access control as the how-to describes it, with the installed commands."""

import asyncio
import json
import re
import subprocess

import httpx
import pytest

from tests.acceptance.test_docs import environment
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.oidc_issuer import run_issuer
from tests.fixtures.services import free_port

pytestmark = pytest.mark.security


def test_a_secret_of_ones_own_as_documented(printed, services):
    (block,) = printed
    services.processor("p1", BUILTIN_KINDS="check").wait_ready()
    port, ops = free_port(), free_port()
    given = {
        "HEADWAY_NATS_URL": services.nats.url,
        "HEADWAY_STREAMER_PORT": str(port),
        "HEADWAY_STREAMER_OPS_PORT": str(ops),
        "HEADWAY_STREAMER_DRAIN_SECONDS": "0.1",
        "HEADWAY_SERVER": f"http://127.0.0.1:{port}",
    }
    lines = block.text.strip().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("headway-streamer"))
    wait = (
        f"python3 -c \"import socket,time\nwhile socket.socket().connect_ex(('127.0.0.1', {port})): time.sleep(0.05)\""
    )
    script = "\n".join(
        ["set -e", *lines[: start + 1], "streamer=$!", "trap 'kill $streamer' EXIT", wait, *lines[start + 1 :]]
    )
    done = subprocess.run(
        ["sh", "-c", script.replace("--watch", "--json --watch")],
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert "completed" in json.dumps(last)


async def test_an_identity_provider_as_documented(printed, services, streamers, tmp_path, security_figures):
    """A command with a token whose roles are scopes; then the provider signs with a new key."""
    (block,) = printed
    settings = dict(re.findall(r"^export (\w+)=(.+)$", block.text, re.MULTILINE))
    processor = services.processor("p1", BUILTIN_KINDS="check")
    with run_issuer() as issuer:
        assert settings["HEADWAY_STREAMER_JWT_ISSUER"] == "https://idp.example/realms/main"
        one = await streamers("s1", settings | {"HEADWAY_STREAMER_JWT_ISSUER": issuer.url})
        url, roles = f"http://127.0.0.1:{one.port}", ["offline_access", "tasks:submit", "tasks:read"]
        file = tmp_path / "token"

        async def status(**claims):
            headers = {"Authorization": f"Bearer {issuer.access_token(**claims)}"}
            async with httpx.AsyncClient(base_url=url, headers=headers) as http:
                return (await http.get("/api/v1/tasks")).status_code

        async def command(*words):
            file.write_text(issuer.access_token(scope=None, realm_access={"roles": roles}))
            given = environment(HEADWAY_SERVER=url, HEADWAY_TOKEN_FILE=str(file))
            done = await asyncio.to_thread(
                subprocess.run, ["headway", *words], env=given, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        await until(lambda: _is(status(realm_access={"roles": roles}), 200), 20)
        await asyncio.to_thread(processor.wait_ready)
        assert "completed" in await command("submit", "check", "--json", "--watch")
        refused = [await status(), await status(realm_access={"roles": ["admin"]}), await status(aud="account")]
        assert refused == [403, 403, 401]
        issuer.rotate()
        await until(lambda: _is(status(realm_access={"roles": roles}), 200), 20)
        assert "completed" in await command("ls", "--json")
    security_figures(
        14, "an issuer as documented, rotated while it runs", readings=issuer.asked.count("/keys"), refused=3
    )


async def _is(awaited, expected):
    return await awaited == expected


async def test_nobody_reads_without_a_token(services, streamers):
    settings = {"HEADWAY_STREAMER_ACCESS": "jwt", "HEADWAY_STREAMER_JWT_SECRET": "a secret of sufficient length, yes"}
    one = await streamers("s1", settings)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}") as http:
        assert (await http.get("/api/v1/tasks")).status_code == 401
        assert (await http.get("/")).status_code == 200
    assert "a secret of sufficient" not in one.log.read_text()


async def test_tokens_are_revoked_as_documented(printed, services, streamers, tmp_path):
    """Each command with a token of its own: the first one revokes it."""
    (block,) = printed
    settings = {"HEADWAY_STREAMER_ACCESS": "jwt", "HEADWAY_STREAMER_JWT_SECRET": tokens.SECRET}
    processor = services.processor("p1", BUILTIN_KINDS="check")
    one = await streamers("s1", settings)
    url, scope = f"http://127.0.0.1:{one.port}", "tasks:read tokens:revoke"
    ann = {"own": {"jti": "own"}, "ann": {"jti": "a"}, "3f2a": {"sub": "bob", "jti": "3f2a"}, "leaked": {"jti": "l"}}
    given = {name: tokens.live_token(scope=scope, **claims) for name, claims in ann.items()}
    (tmp_path / "leaked.txt").write_text(given["leaked"])

    async def status(token):
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as http:
            return (await http.get("/api/v1/tasks")).status_code

    await asyncio.to_thread(processor.wait_ready)
    await until(lambda: _is(status(given["own"]), 200), 20)
    lines = [line.partition("#")[0].split() for line in block.text.strip().splitlines()]
    assert [line[2:] for line in lines] == [[], ["--owner", "ann"], ["--id", "3f2a"], ["--file", "leaked.txt"]]
    for line, name in ((lines[0], "own"), (lines[2], "3f2a"), (lines[3], "leaked"), (lines[1], "ann")):
        assert await status(given[name]) == 200
        user = given["own"] if name == "own" else tokens.live_token(sub="root", jti="root", scope=scope)
        done = await asyncio.to_thread(
            subprocess.run,
            line,
            env=environment(HEADWAY_SERVER=url, HEADWAY_TOKEN=user),
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        assert await status(given[name]) == 401
