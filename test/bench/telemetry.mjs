// The agent's sampler on 8 recorded GPUs: rate, lateness, memory, bytes and gaps. `node test/bench/telemetry.mjs [seconds]`
// prints a line a figure and then everything as one JSON line. Lateness is a matter of this machine too: beside it stands
// that of a loop that only sleeps, at the same time.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const seconds = process.argv[2] ?? '20';
const result = JSON.parse(
  execFileSync('python3', [`${here}telemetry.py`, seconds], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PYTHONPATH: `${root}src/agent:${root}test/agent`,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }),
);

const { recorded, withoutCalls, quiet, sleepingLoop } = result;
const lateness = ({ p50, p99, max }) =>
  `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`;
console.log(
  `telemetry, ${recorded.gpus} recorded GPUs, ${recorded.columns} columns, ${seconds} s: ${recorded.ticks} ticks at ${recorded.ticksPerSecond} Hz, ${recorded.missedTicks} missed and said, ${recorded.unreportedTicks} missed unsaid (goal 0)`,
);
console.log(`  late: ${lateness(recorded.lateMs)} (goal p99 5 ms)`);
console.log(`  a loop that only sleeps, beside it: ${lateness(sleepingLoop)}`);
console.log(
  `  ${(recorded.bytesPerSecond / 1000).toFixed(1)} KB/s (goal 10) after a header of ${(recorded.headerBytes / 1000).toFixed(1)} KB, ${recorded.memoryMB.toFixed(0)} MB (goal 40)`,
);
console.log(
  `  ${recorded.cpuPercent.toFixed(1)} % of a core with the recorded calls kept busy, ${withoutCalls.cpuPercent.toFixed(1)} % without them; quiet mode ${quiet.cpuPercent.toFixed(1)} %. Counts only on a real GPU (goal 10 %)`,
);
console.log(JSON.stringify(result));
