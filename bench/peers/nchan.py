"""nginx with nchan (C), the fastest peer. One worker; events are published by HTTP on one keep-alive connection.

It has no broker of its own, and receives each event once, as Headway does. The access log is off, and the buffers are
large enough for all watchers of these workloads.

nginx sets TCP_NODELAY only on connections that are kept alive after a response, so a stream has Nagle's algorithm on:
with many events a second the kernel joins some of them while it waits for an acknowledgement. That saves CPU time and
adds latency; see p50 and p99 beside the throughput of workload B. `ReusedNchan` has its streams on connections that
were used before, like those of a browser that has loaded the page from the same server.
https://nginx.org/en/docs/http/ngx_http_core_module.html#tcp_nodelay
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, ClassVar

from bench.harness import machine
from bench.harness.testbed import Testbed
from bench.peers.peer import Peer

_MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules", "/etc/nginx/modules")
_CONFIGURATION = """\
load_module {module};
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_header_timeout 3600s;
  client_body_buffer_size 256k;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  nchan_shared_memory_size 1024M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /page {{ return 204; }}
    location ~ ^/pub/(.+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
      nchan_message_buffer_length 500;
      nchan_message_timeout 5m;
    }}
    location ~ ^/sub/(.+)$ {{
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


class Nchan(Peer):
    """nginx + nchan."""

    name: ClassVar[str] = "nchan"
    resumes: ClassVar[bool] = True

    def missing(self) -> str:
        if _program() and _module():
            return ""
        return "nginx or its nchan module is not installed (Debian: nginx-light libnginx-mod-nchan)"

    def start(self, testbed: Testbed) -> None:
        directory = testbed.directory / f"nginx-{self.port}"
        directory.mkdir()
        configuration = directory / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        values = {"module": _module(), "port": self.port, "connections": machine.file_limit()}
        configuration.write_text(_CONFIGURATION.format(user=user, directory=directory, **values))
        command = [_program(), "-p", str(directory), "-c", str(configuration), "-e", "stderr"]
        self.launch(testbed, f"nginx-{self.port}", command)

    def path(self, task: str) -> str:
        return f"/sub/{task}"

    def feed(self, testbed: Testbed) -> dict[str, Any]:
        return {"feed": "http", "port": self.port, "path": "/pub/$task"}


class ReusedNchan(Nchan):
    """nginx + nchan, on reused connections."""

    name: ClassVar[str] = "nchan, reused"
    prelude = b"GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _program() -> str:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""


def _module() -> str:
    found = [path for folder in _MODULES if (path := Path(folder) / "ngx_nchan_module.so").exists()]
    return str(found[0]) if found else ""
