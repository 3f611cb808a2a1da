import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Askpass } from './askpass.ts';
import type { SshOptions } from './connectSsh.ts';
import { parseDestination } from './destination.ts';
import { endGroup } from './endGroup.ts';
import { type Prompter, RemoteError } from './host.ts';
import { HostKeyCheck } from './hostKeyCheck.ts';
import { fingerprint, knownHostsName, parseKnownHosts } from './knownHosts.ts';
import { cancelled, closedEarly, where } from './openSocket.ts';
import { opensshConfig } from './opensshConfig.ts';
import { type Master, OpensshHost } from './opensshHost.ts';
import { algorithmOf, readFailure, readQuestion } from './opensshWords.ts';
import { Patience } from './patience.ts';
import { redact } from './redact.ts';
import type { SshTarget } from './sshConfig.ts';
import type { SshRoute } from './sshRoute.ts';

const defaultTimeoutMs = 15_000;
const keptOfStderr = 8000;
/** How often we look whether the master listens. */
const lookEveryMs = 20;

/**
 * Connects with the ssh program: a master in a private folder, whose questions come to the prompter, and whose channels the
 * commands are. Keys that only OpenSSH can use work here. The same rules for host keys as in `connectSsh`. Throws RemoteError;
 * no process is left then.
 */
export async function connectOpenssh(
  route: SshRoute,
  options: SshOptions & { readonly configFile?: string },
): Promise<OpensshHost> {
  const target = route.at(-1) ?? route[0];
  if (process.platform === 'win32')
    throw new RemoteError(
      'config',
      target.name,
      'The OpenSSH back end needs ControlMaster, which OpenSSH for Windows does not have. Open the folder in WSL, or use the back end ssh2.',
    );
  const checks = new Map<string, HostKeyCheck>();
  for (const one of route)
    checks.set(
      nameOf(one),
      await HostKeyCheck.prepare(one, options.trustStore, options.log, { revokedKeys: false }),
    );
  const folder = await mkdtemp(join(tmpdir(), 'loadline-ssh-'));
  try {
    return await new Attempt(target, checks, folder, options).run(route);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const nameOf = (target: SshTarget) =>
  target.hostKeyAlias?.toLowerCase() ?? knownHostsName(target.hostname, target.port);

class Attempt {
  readonly #target: SshTarget;
  readonly #checks: ReadonlyMap<string, HostKeyCheck>;
  readonly #folder: string;
  readonly #options: SshOptions & { readonly configFile?: string };
  /** Fingerprints that a person accepted, and where. */
  readonly #accepted = new Map<string, HostKeyCheck>();
  #fail: (error: unknown) => void = () => {};
  #said = '';

  constructor(
    target: SshTarget,
    checks: ReadonlyMap<string, HostKeyCheck>,
    folder: string,
    options: SshOptions & { readonly configFile?: string },
  ) {
    this.#target = target;
    this.#checks = checks;
    this.#folder = folder;
    this.#options = options;
  }

  async run(route: SshRoute): Promise<OpensshHost> {
    const { name, connectTimeoutMs } = this.#target;
    const { log, signal, configFile } = this.#options;
    const timeoutMs = this.#options.timeoutMs ?? connectTimeoutMs ?? defaultTimeoutMs;
    const file = (part: string) => join(this.#folder, part);
    await writeFile(file('known_hosts'), '', { mode: 0o600 });
    await writeFile(file('config'), opensshConfig(route, file('known_hosts'), configFile), { mode: 0o600 });
    const patience = new Patience(timeoutMs, () =>
      this.#fail(
        new RemoteError(
          'timeout',
          name,
          `ssh did not get into ${where(this.#target)} in ${timeoutMs / 1000} s. Check that the host is up and answers.${this.#words()}`,
        ),
      ),
    );
    const askpass = await Askpass.start(this.#folder, (prompt, hint, gone) =>
      this.#answer(prompt, hint, gone, patience),
    );
    const abort = () => this.#fail(cancelled(name));
    let child: ChildProcessWithoutNullStreams | undefined;
    try {
      const started = await new Promise<ChildProcessWithoutNullStreams>((resolve, reject) => {
        this.#fail = reject;
        signal?.addEventListener('abort', abort);
        if (signal?.aborted) return abort();
        child = this.#startMaster(askpass.program);
        this.#whenListening(child, file('master'), resolve);
      });
      await this.#rememberAccepted(file('known_hosts'));
      log.info(`${name}: connected by ssh, ${this.#target.user} is let in`);
      const master: Master = {
        child: started,
        folder: this.#folder,
        controlPath: file('master'),
        host: parseDestination(name).host,
        said: () => redact(this.#said.trim()),
        dispose: () => askpass.dispose(),
      };
      return new OpensshHost(name, master);
    } catch (error) {
      askpass.dispose();
      if (child) await endGroup(child);
      throw error;
    } finally {
      patience.end();
      signal?.removeEventListener('abort', abort);
    }
  }

  #startMaster(askpass: string): ChildProcessWithoutNullStreams {
    const { host, user, port } = parseDestination(this.#target.name);
    const argv = [
      ...['-F', join(this.#folder, 'config'), '-N', '-T'],
      ...['-o', 'ControlMaster=yes', '-o', `ControlPath=${join(this.#folder, 'master')}`],
      ...this.#hostKeyAlgorithms(),
      ...(user === null ? [] : ['-l', user]),
      ...(port === null ? [] : ['-p', String(port)]),
      ...['--', host],
    ];
    const { environment } = this.#options;
    return spawn('ssh', argv, {
      // Without a terminal of its own it asks through askpass, which old versions do with a DISPLAY only.
      env: { DISPLAY: ':0', ...environment, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', LC_ALL: 'C' },
      detached: true,
      stdio: 'pipe',
    });
  }

  /** A host that we know by a key accepted here is asked for that one, as ssh does by itself for those in known_hosts. */
  #hostKeyAlgorithms(): readonly string[] {
    const accepted = this.#checks.get(nameOf(this.#target))?.acceptedAlgorithms ?? [];
    return accepted.length === 0 ? [] : ['-o', `HostKeyAlgorithms=^${accepted.join(',')}`];
  }

  #whenListening(
    child: ChildProcessWithoutNullStreams,
    controlPath: string,
    resolve: (child: ChildProcessWithoutNullStreams) => void,
  ): void {
    const { name } = this.#target;
    const looking = setInterval(() => {
      if (!existsSync(controlPath)) return;
      clearInterval(looking);
      resolve(child);
    }, lookEveryMs);
    child.stdin.on('error', () => {});
    child.stdout.resume();
    child.stderr.on('data', (data: Buffer) => {
      const text = data.toString('utf8');
      this.#said = (this.#said + text).slice(-keptOfStderr);
      for (const line of text.split('\n'))
        if (line.trim() !== '') this.#options.log.info(`${name}: ssh: ${line.trim()}`);
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearInterval(looking);
      const reason =
        error.code === 'ENOENT'
          ? 'There is no ssh program in PATH, which the OpenSSH back end needs. Install OpenSSH, or use the back end ssh2.'
          : `ssh cannot be started: ${error.message}`;
      this.#fail(new RemoteError('config', name, reason, { cause: error }));
    });
    child.once('close', () => {
      clearInterval(looking);
      this.#failure().then(this.#fail, this.#fail);
    });
  }

  /** What ssh asks. A question that nobody answers ends the attempt: ssh would ask again. */
  async #answer(
    prompt: string,
    hint: string,
    gone: Promise<void>,
    patience: Patience,
  ): Promise<string | undefined> {
    try {
      const answer = await this.#ask(prompt, hint, gone, patience);
      if (answer === undefined && hint !== 'none') this.#fail(cancelled(this.#target.name));
      return answer;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  async #ask(
    prompt: string,
    hint: string,
    gone: Promise<void>,
    patience: Patience,
  ): Promise<string | undefined> {
    const { name: host } = this.#target;
    const prompter: Prompter = patience.prompter(this.#options.prompter);
    const question = readQuestion(prompt, hint);
    switch (question.kind) {
      case 'host-key': {
        const check = this.#checks.get(question.name.toLowerCase());
        if (!check)
          throw new RemoteError(
            'host-key-unknown',
            host,
            `ssh asks about the key of ${question.name}, which is not on the way to ${host} by its config. Nothing was sent.`,
          );
        const offered = { keyType: algorithmOf(question.keyType), fingerprint: question.fingerprint };
        if ((await check.judge(offered, prompter)) === 'accepted')
          this.#accepted.set(offered.fingerprint, check);
        return 'yes';
      }
      case 'passphrase':
        return prompter.passphrase({ host, keyFile: question.keyFile });
      case 'password':
        return prompter.password({ host, user: question.user });
      case 'notice':
        this.#options.prompter.notice?.({ host, text: question.text });
        await patience.during(() => gone);
        return undefined;
      case 'other': {
        const prompts = [{ prompt: question.prompt, echo: false }];
        return (await prompter.keyboardInteractive({ host, name: '', instructions: '', prompts }))?.[0];
      }
    }
  }

  /** ssh wrote the accepted keys into our file: only there their algorithm is told exactly. */
  async #rememberAccepted(knownHosts: string): Promise<void> {
    if (this.#accepted.size === 0) return;
    for (const { keyType, key } of parseKnownHosts(await readFile(knownHosts, 'utf8'), knownHosts)) {
      const shown = fingerprint(key);
      await this.#accepted.get(shown)?.remember({ keyType, fingerprint: shown });
    }
  }

  async #failure(): Promise<unknown> {
    const { name } = this.#target;
    const { reason, offered, hostKeyName } = readFailure(this.#said);
    const check = this.#checks.get(hostKeyName?.toLowerCase() ?? '');
    if (reason === 'host-key-changed' && offered && check) {
      const key = { keyType: algorithmOf(offered.keyType), fingerprint: offered.fingerprint };
      const refuse = async () => false;
      try {
        await check.judge(key, { ...this.#options.prompter, acceptUnknownHostKey: refuse });
      } catch (error) {
        return error;
      }
    }
    if (/kex_exchange_identification/.test(this.#said))
      return new RemoteError('unreachable', name, `${closedEarly(this.#target)}${this.#words()}`);
    const revoked = [...this.#checks.values()].flatMap(({ revokedPlaces }) => revokedPlaces);
    const places =
      reason === 'host-key-revoked' && revoked.length > 0 ? ` Revoked in ${revoked.join(', ')}.` : '';
    return new RemoteError(
      reason,
      name,
      `ssh did not get into ${where(this.#target)}.${places}${this.#words()}`,
    );
  }

  #words(): string {
    const text = redact(this.#said.trim());
    return text === '' ? '' : `\n${text}`;
  }
}
