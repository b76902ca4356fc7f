// The same work through the official TypeScript SDK. Usage: node sdk_typescript.mjs STANDIN WHAT ARGUMENTS…, as for raw.c.
// NODE_MODULES names the folder that the SDK is installed in.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { query } = await import(`${process.env.NODE_MODULES}/@anthropic-ai/claude-agent-sdk/sdk.mjs`);
const [standin, what, ...words] = process.argv.slice(2);

function cpu() {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e6;
}

function status(name) {
    return Number(readFileSync("/proc/self/status", "ascii").match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))[1]);
}

// A session is a query over a stream of prompts that stays open.
class Client {
    #queue = [];
    #wake = () => {};
    #ended = false;

    static async connected() {
        const client = new Client();
        const options = { pathToClaudeCodeExecutable: standin, includePartialMessages: true, settingSources: [] };
        client.query = query({ prompt: client.#prompts(), options });
        await client.query.initializationResult();
        return client;
    }

    async *#prompts() {
        for (;;) {
            while (this.#queue.length > 0) yield this.#queue.shift();
            if (this.#ended) return;
            await new Promise((resolve) => (this.#wake = resolve));
        }
    }

    async ask(content) {
        this.#queue.push({ type: "user", message: { role: "user", content }, parent_tool_use_id: null, session_id: "" });
        this.#wake();
        for (let messages = 1; ; messages++) {
            const { value, done } = await this.query.next();
            if (done) throw new Error("the session has ended");
            if (value.type === "result") return messages;
        }
    }

    close() {
        this.#ended = true;
        this.#wake();
        this.query.close();
    }
}

const rounds = Number(words[0]);
const times = [];
let messages = 0;
const clients = [];
for (let i = 0; i < (what === "idle" || what === "many" ? rounds : 1); i++) clients.push(await Client.connected());
const client = clients[0];
if (what === "idle") await sleep(2000);
writeFileSync("/proc/self/clear_refs", "5");
const before = status("VmRSS");
const begin = performance.now();
const used = cpu();
if (what === "bulk") messages = await client.ask(`flood ${words.join(" ")}`);
else if (what === "big") messages = await client.ask(`flood 1 ${words[0]} assistant 1`);
else if (what === "many")
    for (let p = Number(words[1]); p > 0; p--) await Promise.all(clients.map((client) => client.ask("ping")));
else if (what !== "idle")
    for (let i = 0; i < rounds; i++) {
        const start = performance.now();
        let other;
        if (what === "connect") other = await Client.connected();
        else if (what === "ping") await client.ask("ping");
        else await client.query.setModel("x");
        times.push((performance.now() - start) / 1e3);
        other?.close();
    }
const result = { wall: (performance.now() - begin) / 1e3, cpu: cpu() - used };
times.sort((a, b) => a - b);
console.log(
    JSON.stringify({
        ...result,
        median: times[Math.floor(times.length / 2)] ?? 0,
        messages,
        rss_before: before,
        rss_after: status("VmRSS"),
        peak: status("VmHWM"),
        threads: status("Threads"),
        total_cpu: cpu(),
    }),
);
for (const client of clients) client.close();
