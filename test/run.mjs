// `npm test`: set-up, then every check and suite in order of cost. `npm test -- unit agent` runs only those.
// Suites whose needs this machine cannot have are named at the end, and the exit status says so.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchTools } from './tools/fetchCodeServer.mjs';
import { ensurePrograms, oldestAndNewestPython } from './tools/setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binary = (name) => `${root}node_modules/.bin/${name}`;

function sh(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  return result.status === 0;
}

/** One check that holds or not. */
const check = (command, args) => () =>
  sh(command, args) ? { passed: 1, failed: 0, names: [] } : { passed: 0, failed: 1, names: [] };

/** A vitest project, counted by its own report. A suite that found no test has failed. */
const vitest = (project) => () => {
  const report = `${root}.cache/report-${project}.json`;
  mkdirSync(`${root}.cache`, { recursive: true });
  // That of an earlier run must not stand for one that ends before it reports.
  rmSync(report, { force: true });
  const ok = sh(binary('vitest'), [
    ...['run', '--config', 'test/vitest.config.mts', '--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ]);
  if (!existsSync(report)) return { passed: 0, failed: 1, names: [] };
  const {
    numPassedTests: passed,
    numFailedTests: failed,
    testResults,
  } = JSON.parse(readFileSync(report, 'utf8'));
  return { passed, failed: failed + (ok || failed > 0 ? 0 : 1), names: testResults.flatMap(failedTests) };
};

/** Of one file of a vitest report. A file that failed as a whole (an import, a hook) stands for itself. */
function failedTests({ name, status, assertionResults }) {
  if (status !== 'failed') return [];
  const failed = assertionResults.filter((test) => test.status === 'failed');
  const tests = failed.length > 0 ? failed.map((test) => test.fullName) : ['the file itself'];
  return tests.map((test) => `${relative(root, name)}: ${test}`);
}

/** The agent's own tests on the oldest and the newest Python found, at the same time: much of them is waiting. */
async function agent() {
  const all = await Promise.all(oldestAndNewestPython().map(agentOn));
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    names: all.flatMap(({ names }) => names),
  };
}

async function agentOn({ path, version }) {
  const about = `Python ${version.join('.')}`;
  const child = spawn(
    path,
    ['-W', 'error::ResourceWarning', '-m', 'unittest', 'discover', '-s', 'test/agent', '-t', 'test/agent'],
    {
      cwd: root,
      env: { ...process.env, PYTHONPATH: `${root}src/agent`, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  );
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const [status] = await once(child, 'close');
  process.stderr.write(`${about}\n${text}`);
  const ran = Number(/^Ran (\d+) tests?/m.exec(text)?.[1] ?? 0);
  const bad = [...text.matchAll(/(?:failures|errors|unexpected successes)=(\d+)/g)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
  const found = [...text.matchAll(/^(?:FAIL|ERROR|UNEXPECTED SUCCESS): (.+)$/gm)];
  return {
    passed: ran - bad,
    failed: bad + (status !== 0 && bad === 0 ? 1 : 0) + (ran === 0 ? 1 : 0),
    names: found.map(([, name]) => `${about}: ${name}`),
  };
}

/** Needs: names of setup.mjs's programs, or `tools` for what is fetched (code-server, Node 24). */
const suites = [
  { name: 'format', needs: [], run: check(binary('biome'), ['ci', '--error-on-warnings', '.']) },
  { name: 'types', needs: [], run: check(binary('tsc'), ['-b']) },
  { name: 'build', needs: ['python3'], run: check(process.execPath, ['esbuild.mjs', '--production']) },
  { name: 'unit', needs: [], run: vitest('unit') },
  { name: 'server', needs: [], run: vitest('server') },
  { name: 'agent', needs: ['python3', 'faketime'], run: agent },
  { name: 'remote', needs: ['python3', 'sshd', 'ssh'], run: vitest('remote') },
  { name: 'durability', needs: ['python3', 'sshd', 'ssh'], run: vitest('durability') },
  { name: 'cli', needs: ['python3', 'sshd', 'ssh'], run: vitest('cli') },
  { name: 'slurm', needs: ['python3', 'sshd', 'ssh', 'slurm'], run: vitest('slurm') },
  { name: 'webview', needs: ['chromium'], run: vitest('webview') },
  { name: 'extension', needs: ['python3', 'sshd', 'chromium', 'tools'], run: vitest('extension') },
  { name: 'e2e', needs: ['python3', 'sshd', 'ssh', 'chromium', 'tools'], run: vitest('e2e') },
  { name: 'package', needs: [], run: check(process.execPath, ['test/tools/package.mjs', '--check']) },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`No suite ${unknown.join(', ')}. There are: ${suites.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const needs = new Set(chosen.flatMap((suite) => suite.needs));
const missing = new Set(ensurePrograms([...needs].filter((need) => need !== 'tools')));
if (needs.has('tools')) {
  try {
    await fetchTools();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    missing.add('tools');
  }
}

let [passed, failed] = [0, 0];
const notRun = [];
const failures = [];
for (const { name, needs: own, run } of chosen) {
  const lacking = own.filter((need) => missing.has(need));
  if (lacking.length > 0) {
    notRun.push(`${name} (needs ${lacking.join(', ')})`);
    continue;
  }
  const started = Date.now();
  console.log(`\n── ${name}`);
  const result = await run();
  console.log(
    `── ${name}: ${result.passed} passed, ${result.failed} failed, ${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
  passed += result.passed;
  failed += result.failed;
  // The suite alone where it has no names of tests.
  if (result.failed > 0)
    failures.push(...(result.names.length > 0 ? result.names.map((test) => `${name}: ${test}`) : [name]));
}
// Once more at the end: where the middle of a log is cut off, this still says what failed.
if (failures.length > 0) console.log(`\nFailed:\n  ${failures.join('\n  ')}`);
if (notRun.length > 0) console.log(`\nNot run: ${notRun.join('; ')}`);
console.log(`\n${passed} passed, ${failed + notRun.length} failed`);
process.exitCode = failed + notRun.length > 0 ? 1 : 0;
