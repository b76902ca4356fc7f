// As sessions_reader.py, through the official TypeScript SDK. Calls are read from stdin.
// NODE_MODULES names the folder that the SDK is installed in.
import { readFileSync } from "node:fs";

const sdk = await import(`${process.env.NODE_MODULES}/@anthropic-ai/claude-agent-sdk/sdk.mjs`);
const calls = JSON.parse(readFileSync(0, "utf8"));

function cpu() {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e6;
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const renamed = (info) => Object.fromEntries(Object.entries(info).map(([name, value]) => [snake(name), value]));

const read = {
    list: async (limit) => (await sdk.listSessions(limit > 0 ? { limit } : {})).map(renamed),
    messages: (session) => sdk.getSessionMessages(session),
    subagents: (session) => sdk.listSubagents(session),
    fork: async (session, upToMessageId) =>
        (await sdk.forkSession(session, { title: "copy", ...(upToMessageId && { upToMessageId }) })).sessionId,
    rename: (session, title) => sdk.renameSession(session, title).then(() => true),
    tag: (session, tag) => sdk.tagSession(session, tag).then(() => true),
};
const [began, used] = [performance.now(), cpu()];
const results = [];
for (const [what, ...words] of calls) results.push(await read[what](...words).catch(() => null));
console.log(JSON.stringify({ wall: (performance.now() - began) / 1000, cpu: cpu() - used, results }));
