"""The same work through the official Python SDK. Usage: sdk_python.py STANDIN WHAT ARGUMENTS…, as for raw.c."""
import asyncio
import json
import resource
import statistics
import sys
import time

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

standin, what, *words = sys.argv[1:]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def status(name):
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))


def reset_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


async def connected():
    client = ClaudeSDKClient(ClaudeAgentOptions(cli_path=standin, max_buffer_size=1 << 30, include_partial_messages=True))
    await client.connect()
    return client


async def ask(client, prompt):
    await client.query(prompt)
    return sum([1 async for _ in client.receive_response()])


async def measure():
    rounds, times, messages = int(words[0]), [], 0
    clients = [await connected() for _ in range(rounds if what in ("idle", "many") else 1)]
    client = clients[0]
    if what == "idle":
        await asyncio.sleep(2)
    reset_peak()
    before, wall, used = status("VmRSS:"), time.perf_counter(), cpu()
    if what == "bulk":
        messages = await ask(client, "flood " + " ".join(words))
    elif what == "big":
        messages = await ask(client, f"flood 1 {words[0]} assistant 1")
    elif what == "many":
        for _ in range(int(words[1])):
            await asyncio.gather(*(ask(client, "ping") for client in clients))
    elif what != "idle":
        for _ in range(rounds):
            begin = time.perf_counter()
            if what == "connect":
                other = await connected()
            elif what == "ping":
                await ask(client, "ping")
            else:
                await client.set_model("x")
            times.append(time.perf_counter() - begin)
            if what == "connect":
                await other.disconnect()
    wall, used = time.perf_counter() - wall, cpu() - used
    print(json.dumps({
        "wall": wall, "cpu": used, "median": statistics.median(times) if times else 0, "messages": messages,
        "rss_before": before, "rss_after": status("VmRSS:"), "peak": status("VmHWM:"), "threads": status("Threads:"),
        "total_cpu": cpu(),
    }))
    for client in clients:
        await client.disconnect()


asyncio.run(measure())
