// One cold start, measured from inside: loads a bundle, then invokes its handler with one event after the other. Plain
// JavaScript that imports nothing, because the candidates would not have to load what this file has loaded.
const [, , bundlePath, reportPath, ...events] = process.argv;
const { writeFileSync } = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');

const context = { awsRequestId: 'bench', functionName: 'bench', getRemainingTimeInMillis: () => 60_000 };
const phases = [];
let handler;

async function measure(act) {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  const result = await act();
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (user + system) / 1000, residentBytes: process.memoryUsage.rss(), result };
}

const imported = await measure(async () => {
  // As Lambda's runtime does: CommonJS is required.
  ({ handler } = bundlePath.endsWith('.cjs') ? createRequire(import.meta.url)(bundlePath) : await import(bundlePath));
});
phases.push(imported);
for (const event of events) phases.push(await measure(() => handler(JSON.parse(event), context)));

// `cpuMs` with Node's own start.
const { user, system } = process.cpuUsage();
const modules = process.moduleLoadList;
writeFileSync(reportPath, JSON.stringify({ phases, cpuMs: (user + system) / 1000, modules }));
// Connections that are kept alive would keep the process, too.
process.exit();
