// As sessions_reader.py, through the official TypeScript SDK. Usage: node sessions_reader.mjs WHAT [ID] [LIMIT].
// NODE_MODULES names the folder that the SDK is installed in.
const sdk = await import(`${process.env.NODE_MODULES}/@anthropic-ai/claude-agent-sdk/sdk.mjs`);
const [what, ...words] = process.argv.slice(2);

function cpu() {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    return (userCPUTime + systemCPUTime) / 1e6;
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const renamed = (info) => Object.fromEntries(Object.entries(info).map(([name, value]) => [snake(name), value]));

const limit = Number(words[0] ?? 0);
const read = {
    list: async () => (await sdk.listSessions(limit > 0 ? { limit } : {})).map(renamed),
    messages: () => sdk.getSessionMessages(words[0]),
    subagents: () => sdk.listSubagents(words[0]),
};
const [began, used] = [performance.now(), cpu()];
const rows = await read[what]();
console.log(JSON.stringify({ wall: (performance.now() - began) / 1000, cpu: cpu() - used, rows }));
