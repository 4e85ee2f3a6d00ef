"""Asks a server as an assistant does, with the client of the reference implementation of the Model Context Protocol.

Usage: ask.py PLAN. The plan is JSON: how to connect (`command` with `env`, or `url` with `headers`), the `mode` in which versions
are negotiated, and the `calls`, each a tool with its arguments. Prints JSON: the version, the instructions, the tools, and a
result for each call.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


def transport(plan):
    if "url" in plan:
        # Without a limit on time, because a busy machine may take longer than the default of five seconds.
        http = httpx2.AsyncClient(headers=plan["headers"], timeout=None)
        return streamable_http_client(plan["url"], http_client=http)
    command, *arguments = plan["command"]
    return StdioServerParameters(command=command, args=arguments, env=plan["env"])


async def call(client, name, arguments):
    try:
        result = await client.call_tool(name, arguments)
    except MCPError as error:
        return {"refused": error.error.message}
    texts = [part.text for part in result.content]
    if result.is_error:
        return {"error": " ".join(texts)}
    # Clients that know no structured content read the text.
    assert json.loads(texts[0]) == result.structured_content, texts
    return {"result": result.structured_content, "bytes": len(texts[0])}


async def main():
    plan = json.loads(sys.argv[1])
    async with Client(transport(plan), mode=plan["mode"]) as client:
        tools = (await client.list_tools()).tools
        report = {
            "version": client.protocol_version,
            "server": client.server_info.name,
            "instructions": client.instructions,
            "tools": {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools},
            "results": await asyncio.gather(*(call(client, *one) for one in plan["calls"])),
        }
    print(json.dumps(report))


asyncio.run(main())
