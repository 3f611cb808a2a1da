// What the demo and the tests need beyond npm: system packages (installed where this is root, else named with
// the exact command) and the tools that the editor tests drive. Prints nothing where all is there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const folders = (process.env.PATH ?? '').split(delimiter).concat('/usr/sbin', '/usr/local/sbin');
const inPath = (name) => folders.map((folder) => join(folder, name)).find(existsSync);

function faketime() {
  const below = (folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []);
  return below('/usr/lib')
    .map((folder) => join(folder, 'faketime', 'libfaketime.so.1'))
    .find(existsSync);
}

const isRoot = process.getuid?.() === 0;

/** System programs: what each is for, and Debian's and Ubuntu's package for it. */
const programs = {
  python3: { find: () => inPath('python3'), packages: ['python3'] },
  sshd: { find: () => inPath('sshd'), packages: ['openssh-server'] },
  ssh: { find: () => inPath('ssh'), packages: ['openssh-client'] },
  chromium: {
    find: () =>
      [
        process.env.LOADLINE_CHROMIUM,
        inPath('chromium'),
        inPath('google-chrome'),
        chromium.executablePath(),
      ].find((path) => path && existsSync(path)),
    packages: ['chromium'],
  },
  // A library, for a clock that steps.
  faketime: { find: faketime, packages: ['libfaketime'] },
  // Its daemons start jobs as other users: for root alone.
  slurm: {
    find: () => (isRoot && inPath('munged') && inPath('slurmd') ? inPath('slurmctld') : undefined),
    packages: ['slurm-wlm', 'munge'],
  },
  gcc: { find: () => inPath('gcc') ?? inPath('cc'), packages: ['gcc', 'libc6-dev'] },
};

const hasApt = inPath('apt-get') !== undefined;

function install(packages) {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: environment };
  console.log(`set-up: installing ${packages.join(', ')}`);
  if (spawnSync('apt-get', ['update', '-qq'], options).status !== 0) return;
  // One call a package: one that a distribution lacks must not take the others with it.
  for (const name of packages)
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options);
}

/**
 * Makes the named programs available. Returns those that are still missing after what this user may do.
 * @param {readonly (keyof typeof programs)[]} names
 */
export function ensurePrograms(names) {
  const missing = () => names.filter((name) => !programs[name].find());
  const packages = missing().flatMap((name) => programs[name].packages);
  if (packages.length > 0 && isRoot && hasApt) install(packages);
  // Ubuntu has Chromium only as a snap: there playwright fetches its own build.
  if (missing().includes('chromium') && isRoot) {
    const cli = createRequire(import.meta.url).resolve('playwright-core/cli.js');
    spawnSync(process.execPath, [cli, 'install', '--with-deps', 'chromium'], { stdio: 'inherit' });
  }
  const still = missing();
  if (still.length > 0) {
    const command = `apt-get install -y --no-install-recommends ${still.flatMap((name) => programs[name].packages).join(' ')}`;
    console.error(`Missing: ${still.join(', ')}. Install with:\n  sudo ${command}`);
  }
  return still;
}

/** Path of a program found by ensurePrograms. */
export function programPath(name) {
  return programs[name].find();
}

function versionOf(python) {
  try {
    const text = execFileSync(python, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim().split('.').map(Number);
  } catch {
    return undefined;
  }
}

/** The oldest and the newest Python 3.8+ on this machine: the agent must run on both. */
export function oldestAndNewestPython() {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const candidates = [
    inPath('python3'),
    ...folders.flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => /^python3\.\d+$/.test(name))
            .map((name) => join(folder, name))
        : [],
    ),
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((version) => join(pyenv, version, 'bin', 'python3')) : []),
  ].filter((path) => path && existsSync(path));
  const known = candidates
    .map((path) => ({ path, version: versionOf(path) }))
    .filter(({ version }) => version && version[0] === 3 && version[1] >= 8)
    .sort((a, b) => a.version[1] - b.version[1] || a.version[2] - b.version[2]);
  if (known.length === 0) return [];
  const [oldest, newest] = [known[0], known[known.length - 1]];
  return oldest.version.join() === newest.version.join() ? [oldest] : [oldest, newest];
}
