/** A real cluster with a login node: Slurm, sshd that lets an ordinary account in, and the built command line that comes from outside. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalRecord } from '../../src/protocol/agentJournal.ts';
import { readJournal } from '../../src/storage/runFolder.ts';
import { BuiltCli, type Finished, type RunningCli } from '../cli/builtCli.ts';
import { type LoopbackSshd, startLoopbackSshd, waitFor } from '../tools/loopbackSshd.ts';
import { processesOf } from '../tools/processesOf.ts';
import {
  accountName,
  makeAccount,
  nodeName,
  removeAccount,
  type SlurmCluster,
  startSlurmCluster,
} from '../tools/slurmCluster.ts';

export const hostName = 'login-node';

export class Cluster {
  private constructor(
    readonly slurm: SlurmCluster,
    readonly sshd: LoopbackSshd,
    readonly cli: BuiltCli,
  ) {}

  static async start(): Promise<Cluster> {
    const cli = await BuiltCli.build();
    const slurm = await startSlurmCluster();
    const sshd = await startLoopbackSshd({
      alias: hostName,
      clientLines: [`User ${accountName}`],
      environment: { ...slurm.environment, LOADLINE_DEVICE: 'none' },
    });
    // sshd reads the keys as the account, not as root.
    chmodSync(sshd.folder, 0o711);
    chmodSync(join(sshd.folder, 'authorized_keys'), 0o644);
    makeAccount(sshd.home);
    return new Cluster(slurm, sshd, cli);
  }

  async stop(): Promise<void> {
    await this.slurm.stop();
    for (const { pid } of await processesOf(this.sshd.home)) process.kill(pid, 'SIGKILL');
    await this.sshd.stop();
    removeAccount();
  }

  /** Writes the plan beside the runs and gives its name. */
  plan(name: string, text: string): string {
    writeFileSync(join(this.cli.folder, `${name}.sweep.yaml`), text);
    return `${name}.sweep.yaml`;
  }

  start(...argv: string[]): RunningCli {
    return this.cli.start(argv, { LOADLINE_SSH_CONFIG: this.sshd.configFile });
  }

  run(...argv: string[]): Promise<Finished> {
    return this.start(...argv).finished;
  }

  /** The newest run of the plan of this name. */
  runOf(name: string): string {
    const folder = join(this.cli.folder, '.loadline', 'runs');
    const run = (existsSync(folder) ? readdirSync(folder).sort() : []).findLast((one) => one.includes(name));
    if (run === undefined) throw new Error(`no run of ${name}`);
    return run;
  }

  runs(name: string): readonly string[] {
    const folder = join(this.cli.folder, '.loadline', 'runs');
    return (existsSync(folder) ? readdirSync(folder) : []).filter((one) => one.includes(name));
  }

  /** In the copy here. */
  async records(name: string): Promise<readonly JournalRecord[]> {
    return (await readJournal(join(this.cli.folder, '.loadline', 'runs', this.runOf(name)))).records;
  }

  results(name: string): { readonly outcome: string; readonly cells: readonly { readonly state: string }[] } {
    return JSON.parse(
      readFileSync(join(this.cli.folder, '.loadline', 'runs', this.runOf(name), 'results.json'), 'utf8'),
    );
  }

  /** `7_0 RUNNING` of the jobs of this plan, as Slurm says. */
  jobs(name: string): readonly string[] {
    return this.slurm.jobs('%i %T %j').flatMap((line) => {
      const [job, state, jobName] = line.split(' ');
      return jobName?.includes(`-${name}`) ? [`${job} ${state}`] : [];
    });
  }

  /** Waits until so many of the plan's tasks are in this state; gives their numbers in Slurm. */
  async tasksIn(name: string, state: string, count: number): Promise<readonly string[]> {
    const found = () =>
      this.jobs(name).flatMap((job) => (job.endsWith(` ${state}`) ? [job.split(' ')[0] ?? ''] : []));
    await waitFor(() => found().length === count, `${count} tasks ${state}: ${this.jobs(name).join(', ')}`);
    return found();
  }

  /** To the agent in the job of a task, past Slurm. */
  signalAgent(name: string, task: number, signal: NodeJS.Signals): void {
    const folder = join(this.sshd.home, '.cache', 'loadline', 'runs', this.runOf(name), `task-${task}`);
    const { supervisor } = JSON.parse(readFileSync(join(folder, 'processes.json'), 'utf8'));
    process.kill(supervisor.pid, signal);
  }

  /** What a failed test left would be in the way of the next. */
  async clear(): Promise<void> {
    this.slurm.ask('scancel', `--user=${accountName}`);
    await waitFor(() => this.slurm.jobs('%i').length === 0, 'the end of the last job');
  }

  /** A node that was set down comes back by itself when slurmd says that it is there; else it is asked to. */
  async nodeBack(): Promise<void> {
    await waitFor(() => {
      const down = this.slurm.ask('sinfo', '--noheader', '--format=%T').includes('down');
      if (down) this.slurm.ask('scontrol', 'update', `NodeName=${nodeName}`, 'State=RESUME');
      return !down;
    }, 'the node to be back');
  }

  /** Waits until a load of this plan is under way, in so many tasks. */
  async underLoad(name: string, tasks: number): Promise<void> {
    const loads = async () => {
      const records = await this.records(name).catch(() => []);
      return new Set(records.flatMap((one) => (one.type === 'cell-progress' ? [one.part] : []))).size;
    };
    await waitFor(async () => (await loads()) >= tasks, `${tasks} tasks under load`);
  }

  /** Of the account, but for what serves a connection. */
  async processes(): Promise<readonly string[]> {
    const all = await processesOf(this.sshd.home);
    return all.map(({ command }) => command).filter((command) => !command.includes('sshd'));
  }

  async nothingIsLeft(): Promise<void> {
    await waitFor(async () => (await this.processes()).length === 0, 'the end of the last process');
  }

  /** As the account, on the login node. */
  onHost(command: string): string {
    return execFileSync('ssh', ['-F', this.sshd.configFile, hostName, command], { encoding: 'utf8' });
  }
}
