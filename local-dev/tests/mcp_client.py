"""The official client of the Model Context Protocol against the real server, in every way it knows to begin.

Usage: python local-dev/tests/mcp_client.py target/debug/myportal     (needs the package `mcp`)
"""

import asyncio
import contextlib
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

SECRET = "a-secret-for-the-official-client"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def portal(program):
    """The demo portal with the module switched on and Grace as the author of replies."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        env = {**os.environ, "DATA_DIR": folder, "LISTEN": f"127.0.0.1:{port}", "LOG": "warn",
               "WORKER_ENABLED": "false", "CHATGPT_MCP_SHARED_SECRET": SECRET, "CHATGPT_MCP_ALLOW_UPDATES": "true"}
        for name in ("DATABASE_URL", "ENVIRONMENT", "PORTAL_URL", "UPLOADS_BUCKET", "S3_ENDPOINT"):
            env.pop(name, None)
        subprocess.run([program, "demo"], env=env, check=True, stdout=subprocess.DEVNULL)
        with contextlib.closing(sqlite3.connect(pathlib.Path(folder) / "myportal.sqlite")) as db, db:
            grace = db.execute("SELECT id FROM users WHERE email LIKE 'grace.lin@%'").fetchone()[0]
            db.execute("UPDATE integration_modules SET enabled = TRUE WHERE slug = 'chatgpt-mcp'")
        server = subprocess.Popen([program, "serve"], env={**env, "CHATGPT_MCP_SYSTEM_USER_ID": str(grace)})
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(100):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{base}/health", timeout=1).close()
                    break
                time.sleep(0.1)
            yield f"{base}/api/mcp/chatgpt", grace
        finally:
            server.terminate()
            server.wait(20)


async def talk(url, mode, grace):
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with create_mcp_http_client(headers=headers) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            tools = await client.list_tools()
            names = [tool.name for tool in tools.tools]
            assert names == ["listTickets", "getTicket", "createTicketReply", "updateTicket"], names
            # The client checks structured answers against the schemas of the tools.
            listed = await client.call_tool("listTickets", {"limit": 3})
            assert not listed.is_error and len(listed.structured_content["tickets"]) == 3, listed
            ticket = listed.structured_content["tickets"][0]["id"]
            body = f"Checked by the official client ({mode})"
            sent = await client.call_tool("createTicketReply", {"ticket_id": ticket, "body": body, "is_internal": True})
            assert sent.structured_content["reply"]["author_id"] == grace, sent
            changed = await client.call_tool("updateTicket", {"ticket_id": ticket, "priority": "high"})
            assert changed.structured_content["ticket"]["priority"] == "high", changed
            read = await client.call_tool("getTicket", {"ticket_id": ticket})
            assert read.structured_content["ticket"]["id"] == ticket
            assert body not in str(read.structured_content), "notes stay inside"
            missing = await client.call_tool("getTicket", {"ticket_id": 99999999})
            assert missing.is_error and "not found" in missing.content[0].text, missing
            return client.protocol_version


async def main(program):
    with portal(program) as (url, grace):
        spoken = {mode: await talk(url, mode, grace) for mode in ("auto", "legacy", "2026-07-28")}
    assert spoken["auto"] == spoken["2026-07-28"] == "2026-07-28", spoken
    assert spoken["legacy"] == "2025-11-25", spoken
    print("The official client spoke", ", ".join(f"{mode}: {version}" for mode, version in spoken.items()))


asyncio.run(main(sys.argv[1]))
