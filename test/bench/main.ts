/** `npm run bench`: figures as ratios and counts, a line each. Clocks of small machines are noisy: run it twice. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { benchClassifier } from './classifier.ts';
import { benchEstimates } from './estimates.ts';
import { benchCompose, benchScript, composeFile, type KeystrokeTimes } from './keystroke.ts';
import { benchRanking } from './ranking.ts';
import { benchResults } from './results.ts';

async function main(): Promise<void> {
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}\n`);
  const estimates = benchEstimates();
  console.log(
    `estimates per CPU second, parsed dense model: ${Math.round(estimates.estimatesPerCpuSecond)} (goal 50,000)`,
  );
  const ranking = benchRanking();
  console.log(
    `whole catalogue (${ranking.devices} GPUs) ranked for a load: ${ranking.catalogueMs.toFixed(1)} ms of CPU, the time of ${Math.round(ranking.estimates)} estimates (goal 50 ms: at each keystroke)`,
  );
  const classified = benchClassifier();
  console.log(
    `classification of a file, worst of ${classified.files}: ${classified.worstMicroseconds.toFixed(0)} µs (goal 1,000)`,
  );
  const say = (what: string, { p50Ms, p95Ms }: KeystrokeTimes) =>
    console.log(
      `keystroke to diagnostics, 20 deployments in ${what}: p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms (goal p95 50 ms)`,
    );
  say('one script', await benchScript(100));
  say(`a compose file of ${composeFile(20, 1).split('\n').length} lines`, await benchCompose(100));
  const results = benchResults(10_000);
  console.log(
    `results of 10,000 simulated cells: ${Math.round(results.firstMs)} ms of CPU from the journal, ${Math.round(results.againMs)} ms again with a record more; a cell costs ${results.perCellRatio.toFixed(1)} times what it does in a run of 1,000 (goal 1,000 ms again, twice)`,
  );
  console.log();
  const telemetry = spawnSync(process.execPath, ['test/bench/telemetry.mjs'], { stdio: 'inherit' });
  console.log();
  const load = spawnSync(process.execPath, ['test/bench/loadGenerator.mjs'], { stdio: 'inherit' });
  console.log();
  const searches = spawnSync(process.execPath, ['test/bench/searches.mjs'], { stdio: 'inherit' });
  console.log();
  const panel = spawnSync(process.execPath, ['dist/test/telemetryBench.mjs'], { stdio: 'inherit' });
  const sweep = spawnSync(process.execPath, ['dist/test/sweepBench.mjs'], { stdio: 'inherit' });
  process.exitCode = [telemetry, load, searches, panel, sweep].every(({ status }) => status === 0) ? 0 : 1;
}

void main();
