/**
 * The whole loop in under two minutes, without a GPU and without a network: verdicts for the examples, predictions beside
 * recorded starts, and a chat sweep rehearsed over SSH on a server of its own. Run by test/demo/run.mjs, from dist/test.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { exitCodes } from '../../src/cli/exitCodes.ts';
import { processTerminal } from '../../src/cli/processTerminal.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { classify } from '../../src/text/classify.ts';
import { startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import { recordedStartLines } from './recordedStarts.ts';

const root = join(__dirname, '..', '..');

function heading(text: string): void {
  console.log(`\n── ${text}\n`);
}

async function verdicts(terminal: Terminal): Promise<void> {
  heading('Does it fit? Every file in examples/');
  const files: string[] = [];
  for (const entry of await readdir(join(root, 'examples'), { withFileTypes: true })) {
    const path = join('examples', entry.name);
    if (entry.isFile() && classify(await readFile(join(root, path), 'utf8'), { path }) !== undefined)
      files.push(path);
  }
  const exitCode = await runCommandLine(['fit', ...files.sort()], terminal);
  // One example is there to not fit.
  if (exitCode !== exitCodes.negative) throw new Error(`loadline fit ended with ${exitCode}`);
}

async function recordedStarts(): Promise<void> {
  heading('Predicted beside measured: starts of vLLM 0.26.0 recorded on one H200');
  const folder = join(root, 'test', 'fixtures', 'vllm-0.26-h200');
  for (const line of await recordedStartLines(folder)) console.log(line);
}

async function sweepOverSsh(terminal: Terminal): Promise<void> {
  heading('How many users will it carry? A chat sweep, rehearsed over SSH');
  const sshd = await startLoopbackSshd({ alias: 'loopback-gpu' });
  try {
    process.env['LOADLINE_SSH_CONFIG'] = sshd.configFile;
    console.log(
      `An OpenSSH server of our own on 127.0.0.1:${sshd.port}: host ${sshd.alias}, its key checked against known_hosts.`,
    );
    const plan = join('examples', 'chat.sweep.yaml');
    const exitCode = await runCommandLine(['sweep', '--rehearse', plan], terminal);
    // Ctrl-C leaves a run to itself, but this host is about to go: the run is asked to end.
    if (exitCode === exitCodes.interrupted) for (const { pid } of await processesOf(sshd.home)) end(pid);
    await waitFor(
      async () => (await processesOf(sshd.home)).length === 0,
      'the run to be gone from the host',
    );
    if (exitCode !== exitCodes.ok) throw new Error(`loadline sweep ended with ${exitCode}`);
    console.log('\nOn the host: nothing of the run is left running (looked through /proc).');
  } finally {
    await sshd.stop();
  }
  const remaining = await readFile(sshd.configFile, 'utf8').catch(() => undefined);
  if (remaining !== undefined) throw new Error(`${sshd.folder} was not removed`);
  console.log('The SSH server is stopped and its folder removed.');
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

async function main(): Promise<void> {
  const started = Date.now();
  const terminal = processTerminal(join(root, 'dist', 'loadline-agent.pyz'), join(root, 'package.json'));
  await verdicts(terminal);
  await recordedStarts();
  if (process.argv.includes('--without-ssh')) {
    console.error('\nNot shown: the sweep over SSH. It needs what is named as missing above.');
    process.exitCode = 1;
    return;
  }
  await sweepOverSsh(terminal);
  heading(`Done in ${Math.round((Date.now() - started) / 1000)} s`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
