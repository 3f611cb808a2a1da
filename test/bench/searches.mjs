// What searches cost beside the grids that they replace, and how often they are right: `node test/bench/searches.mjs [seeds]`.
// The agent's own decisions over the simulated engine in virtual time, each step and each run with seeded 3 % noise.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const output = execFileSync('python3', [`${here}searches.py`, process.argv[2] ?? '20'], {
  encoding: 'utf8',
  env: { ...process.env, PYTHONPATH: `${root}src/agent`, PYTHONDONTWRITEBYTECODE: '1' },
});
const percent = (share) => `${(100 * share).toFixed(0)} %`;
console.log('searches: share of the grid that they run (goal 40 % at most), 3 % noise');
for (const line of output.trim().split('\n')) {
  const { name, unit, candidates, seeds, meanShare, mostShare, right, rough } = JSON.parse(line);
  // Seeds are fixed: this is no matter of noise.
  if (mostShare > 0.4) process.exitCode = 1;
  console.log(
    `  ${name}: mean ${percent(meanShare)}, most ${percent(mostShare)} of ${candidates} ${unit}; right within noise and one candidate ${percent(right)} of ${seeds} seeds, contradictions seen in ${percent(rough)}`,
  );
}
