import type { AnyAuthMethod, AuthHandlerMiddleware, BaseAgent, ParsedKey } from 'ssh2';
import { type Prompter, RemoteError, type RemoteLog, useOpenssh } from './host.ts';
import { gatherIdentities, type Identity } from './identities.ts';
import type { Ssh2 } from './loadSsh2.ts';
import type { SshTarget } from './sshConfig.ts';

/** OpenSSH's NumberOfPasswordPrompts. */
const promptTries = 3;

/**
 * What is tried to be let in, in OpenSSH's order: keys (agent, files), keyboard-interactive, password; only what the host
 * says it takes. Made for one connection.
 */
export class Authentication {
  readonly #target: SshTarget;
  readonly #ssh2: Ssh2;
  readonly #prompter: Prompter;
  readonly #log: RemoteLog;
  readonly #fail: (error: RemoteError) => void;
  readonly #tried: string[] = [];
  #unusable: readonly string[] = [];
  readonly #onlyOpenssh: string[] = [];
  #accepts: readonly string[] = [];

  constructor(
    target: SshTarget,
    ssh2: Ssh2,
    prompter: Prompter,
    log: RemoteLog,
    fail: (error: RemoteError) => void,
  ) {
    this.#target = target;
    this.#ssh2 = ssh2;
    this.#prompter = prompter;
    this.#log = log;
    this.#fail = fail;
  }

  /** For ssh2: called for each next attempt with what the host still takes (null before the first). */
  handler(): AuthHandlerMiddleware {
    const attempts = this.#attempts();
    return (left: readonly string[] | null, _partial, next) => {
      attempts.next(left ?? []).then(
        ({ value, done }) => {
          if (done) this.#fail(this.failure());
          else next(value);
        },
        (error: unknown) => this.#fail(RemoteError.is(error) ? error : this.failure(String(error))),
      );
    };
  }

  /** Why the host did not let us in: what it takes, what was tried, and the keys that could not be. */
  failure(detail?: string): RemoteError {
    const { name, user } = this.#target;
    const tried = this.#tried.length > 0 ? this.#tried.join('; ') : 'nothing: there was no key to offer';
    const opensshCould = this.#onlyOpenssh.length > 0;
    const lines = [
      `${name} did not let ${user} in${detail === undefined ? '' : ` (${detail})`}.`,
      `  takes: ${this.#accepts.join(', ') || 'not said'}`,
      `  tried: ${tried}`,
      ...this.#unusable.map((reason) => `  not usable: ${reason}`),
      ...this.#onlyOpenssh.map((reason) => `  not usable: ${reason}, which Loadline's SSH client cannot use`),
      'Check that `ssh` lets you in with this name, and that the key is in the SSH agent or named by IdentityFile.',
      ...(opensshCould ? [useOpenssh] : []),
    ];
    const remedy = opensshCould ? 'openssh-back-end' : null;
    return new RemoteError('authentication', name, lines.join('\n'), { remedy });
  }

  async *#attempts(): AsyncGenerator<AnyAuthMethod, void, readonly string[]> {
    const username = this.#target.user;
    const none: AnyAuthMethod = { type: 'none', username };
    let left = yield none;
    this.#accepts = left;
    if (this.#target.gssapi && left.includes('gssapi-with-mic'))
      this.#onlyOpenssh.push('a Kerberos ticket (GSSAPI)');
    if (left.includes('publickey')) {
      const identities = await gatherIdentities(this.#target, this.#ssh2, this.#prompter, this.#log);
      this.#unusable = identities.unusable;
      this.#onlyOpenssh.push(...identities.onlyOpenssh);
      for (const identity of identities.usable) {
        this.#tried.push(`${identity.publicKey.type} ${identity.label}`);
        const agent = oneKeyAgent(identity, this.#ssh2, this.#fail);
        left = yield { type: 'agent', username, agent };
        // The host took the key and wants more: ssh2 does not tell what, a `none` asks for it.
        if (agent.signed) {
          left = yield none;
          break;
        }
      }
    }
    for (let tries = 0; tries < promptTries && left.includes('keyboard-interactive'); tries++) {
      const question = { asked: false };
      this.#tried.push('keyboard-interactive');
      left = yield this.#keyboardInteractive(question);
      if (!question.asked) break;
    }
    for (let tries = 0; tries < promptTries && left.includes('password'); tries++) {
      const password = await this.#prompter.password({ host: this.#target.name, user: username });
      if (password === undefined) throw this.#cancelled();
      this.#tried.push('password');
      left = yield { type: 'password', username, password };
    }
  }

  #keyboardInteractive(question: { asked: boolean }): AnyAuthMethod {
    return {
      type: 'keyboard-interactive',
      username: this.#target.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        question.asked = true;
        this.#prompter
          .keyboardInteractive({
            host: this.#target.name,
            name,
            instructions,
            prompts: prompts.map(({ prompt, echo }) => ({ prompt, echo: echo ?? false })),
          })
          .then(
            (answers) => {
              if (answers === undefined) this.#fail(this.#cancelled());
              else finish([...answers]);
            },
            (error: unknown) => this.#fail(this.failure(String(error))),
          );
      },
    };
  }

  #cancelled(): RemoteError {
    const { name } = this.#target;
    return new RemoteError('cancelled', name, `Connecting to ${name} was cancelled.`);
  }
}

/** ssh2 signs asynchronously through agents only, so each identity is given to it as an agent with one key. */
function oneKeyAgent(
  identity: Identity,
  ssh2: Ssh2,
  fail: (error: RemoteError) => void,
): BaseAgent<ParsedKey> & { readonly signed: boolean } {
  class OneKeyAgent extends ssh2.BaseAgent<ParsedKey> {
    signed = false;

    override getIdentities(callback: (error?: Error | null, keys?: ParsedKey[]) => void): void {
      callback(null, [identity.publicKey]);
    }

    override sign(
      _key: ParsedKey,
      data: Buffer,
      options: { readonly hash?: string } | ((error?: Error | null, signature?: Buffer) => void),
      callback?: (error?: Error | null, signature?: Buffer) => void,
    ): void {
      const done = typeof options === 'function' ? options : callback;
      const hash = typeof options === 'function' ? undefined : options.hash;
      identity.sign(data, hash).then(
        (signature) => {
          this.signed = true;
          done?.(null, signature);
        },
        (error: unknown) => {
          if (RemoteError.is(error, 'cancelled')) fail(error);
          else done?.(error instanceof Error ? error : new Error(String(error)));
        },
      );
    }
  }
  return new OneKeyAgent();
}
