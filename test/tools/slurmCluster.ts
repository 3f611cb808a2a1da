/**
 * A real Slurm on this machine: munged, slurmctld and slurmd with a configuration, ports and state of their own in a temporary
 * folder, one node, fake GPUs as generic resources, and an ordinary account to submit from. For root alone: slurmd starts jobs as
 * other users. Needs no systemd, no cgroups and no GPU.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitFor } from './loopbackSshd.ts';

export const accountName = 'loadline-test';
/** Of the one node. */
export const nodeName = 'gpunode';
/** What stands in for the devices of GPUs: Slurm wants character devices, these are on every machine. */
const devices = ['/dev/zero', '/dev/full'];

export interface SlurmCluster {
  readonly folder: string;
  /** For whoever calls Slurm's programs. */
  readonly environment: Readonly<Record<string, string>>;
  /** What one of Slurm's programs prints, called by root. */
  ask(program: string, ...argv: readonly string[]): string;
  /** `JobState` and the like of all jobs that are known: a line each, `format` as of squeue. */
  jobs(format: string, ...options: readonly string[]): readonly string[];
  /** Takes the controller away, as its machine does that restarts, and gives it back. */
  stopController(): Promise<void>;
  startController(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSlurmCluster(): Promise<SlurmCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-slurm-'));
  const file = (name: string) => join(folder, name);
  await chmod(folder, 0o755);
  for (const name of ['munge', 'state', 'spool']) await mkdir(file(name), { mode: 0o755 });
  await writeFile(file('munge.key'), randomBytes(128), { mode: 0o600 });
  for (const [index, device] of devices.entries()) await symlink(device, file(`gpu${index}`));
  const [controllerPort, nodePort] = [await freePort(), await freePort()];
  await writeFile(file('slurm.conf'), configuration(file, controllerPort, nodePort));
  await writeFile(
    file('gres.conf'),
    devices.map((_, index) => `NodeName=${nodeName} Name=gpu File=${file(`gpu${index}`)}\n`).join(''),
  );
  const environment = { SLURM_CONF: file('slurm.conf') };
  const start = (program: string, argv: readonly string[]): ChildProcess => {
    const log = openSync(file(`${program}.out`), 'a');
    return spawn(join('/usr/sbin', program), argv, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...environment },
    });
  };
  const ask = (program: string, ...argv: readonly string[]) =>
    execFileSync(program, argv, {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const jobs = (format: string, ...options: readonly string[]) =>
    ask('squeue', '--noheader', '--array', `--format=${format}`, ...options)
      .split('\n')
      .filter((line) => line !== '');

  const munge = start('munged', [
    '--foreground',
    '--force',
    `--key-file=${file('munge.key')}`,
    `--socket=${file('munge/socket')}`,
    `--pid-file=${file('munge/pid')}`,
    `--log-file=${file('munge/log')}`,
    `--seed-file=${file('munge/seed')}`,
  ]);
  let controller = start('slurmctld', ['-D', '-c']);
  const node = start('slurmd', ['-D']);
  const cluster: SlurmCluster = {
    folder,
    environment,
    ask,
    jobs,
    stopController: () => ended(controller),
    startController: async () => {
      controller = start('slurmctld', ['-D']);
      await waitFor(() => answers(environment), 'slurmctld');
    },
    stop: async () => {
      quietly(() => ask('scancel', `--user=${accountName}`));
      await waitFor(() => quietly(() => jobs('%i').length) === 0, 'the end of the last job').catch(() => {});
      for (const daemon of [node, controller, munge]) await ended(daemon);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await waitFor(
      () => quietly(() => ask('sinfo', '--noheader', '--format=%T').trim()) === 'idle',
      'the node to be idle',
    );
  } catch (error) {
    const logs = await Promise.all(
      ['slurmctld.out', 'slurmd.out', 'munged.out'].map((name) =>
        readFile(file(name), 'utf8').catch(() => ''),
      ),
    );
    await cluster.stop();
    throw new Error(`${String(error)}\n${logs.join('\n').slice(-3000)}`);
  }
  return cluster;
}

/** An account without a password, whose home is this folder; of an earlier test that was killed it may still be there. */
export function makeAccount(home: string): void {
  removeAccount();
  // `*` and not `!`: sshd lets nobody into an account that is locked.
  execFileSync('useradd', [
    '--no-create-home',
    '--home-dir',
    home,
    '--shell',
    '/bin/sh',
    '--password',
    '*',
    accountName,
  ]);
  execFileSync('chown', ['-R', accountName, home]);
}

/** With what still runs as it: an account in use is not removed. */
export function removeAccount(): void {
  spawnSync('pkill', ['-KILL', '-u', accountName]);
  spawnSync('userdel', ['--force', accountName]);
}

function configuration(file: (name: string) => string, controllerPort: number, nodePort: number): string {
  const host = hostname().split('.')[0];
  return [
    'ClusterName=loadline',
    `SlurmctldHost=${host}(127.0.0.1)`,
    'SlurmUser=root',
    'SlurmdUser=root',
    'AuthType=auth/munge',
    // What was queued again is held back until credentials of its last start are over: two minutes where nothing is said.
    `AuthInfo=socket=${file('munge/socket')},cred_expire=15`,
    `SlurmctldPort=${controllerPort}`,
    `SlurmdPort=${nodePort}`,
    `StateSaveLocation=${file('state')}`,
    `SlurmdSpoolDir=${file('spool')}`,
    `SlurmctldPidFile=${file('slurmctld.pid')}`,
    `SlurmdPidFile=${file('slurmd.pid')}`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'AccountingStorageType=accounting_storage/none',
    'MpiDefault=none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU',
    'SlurmdParameters=config_overrides',
    // A machine for tests looks at its queue at once.
    'SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1',
    'ReturnToService=2',
    'KillWait=20',
    'GresTypes=gpu',
    `NodeName=${nodeName} NodeHostname=${host} NodeAddr=127.0.0.1 CPUs=8 Gres=gpu:${devices.length} State=UNKNOWN`,
    'PreemptType=preempt/partition_prio',
    'PreemptMode=REQUEUE',
    `PartitionName=gpu Nodes=${nodeName} Default=YES MaxTime=60 DefaultTime=10 PriorityTier=1 State=UP`,
    // What comes in here takes the GPUs of those who came before.
    `PartitionName=urgent Nodes=${nodeName} MaxTime=60 DefaultTime=10 PriorityTier=10 PreemptMode=OFF State=UP`,
    '',
  ].join('\n');
}

function answers(environment: Readonly<Record<string, string>>): boolean {
  return spawnSync('scontrol', ['ping'], { env: { ...process.env, ...environment } }).status === 0;
}

async function ended(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exited = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await exited;
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
