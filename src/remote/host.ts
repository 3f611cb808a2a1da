/** A machine that Loadline can run its agent on, whatever carries the bytes. No vscode here: what must be asked goes through Prompter. */

export interface ExecOptions {
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Ends the command, milliseconds. */
  readonly timeoutMs?: number;
}

export interface ExecResult {
  /** null where a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command with its channels open. Ends with its channel: closing stdin is the polite end. */
export interface RemoteProcess {
  /** Complete lines without their newline. A torn last line is given when the stream ends. */
  readonly lines: AsyncIterable<string>;
  /** Last part of stderr, at most 64 KiB. */
  stderrTail(): string;
  write(data: string): void;
  closeStdin(): void;
  kill(): void;
  readonly exit: Promise<{ readonly exitCode: number | null; readonly lost: boolean }>;
}

export interface RemoteHost {
  /** As the user calls it: the ssh alias, or `this-machine`. */
  readonly name: string;
  readonly kind: 'ssh' | 'this-machine';
  /** Each word is quoted by src/remote/quote.ts before a shell sees it. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  spawn(argv: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<RemoteProcess>;
  /** Fires once when the connection is lost or closed. */
  onDidClose(listener: (error: RemoteError | null) => void): { dispose(): void };
  dispose(): Promise<void>;
}

export type RemoteErrorReason =
  | 'unreachable'
  | 'timeout'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'known-hosts-unreadable'
  | 'authentication'
  | 'cancelled'
  | 'lost'
  | 'no-python'
  | 'agent-upload'
  | 'disk-full'
  | 'agent'
  | 'config';

/** What a person can be offered in answer to an error. */
export type Remedy = 'openssh-back-end';

/** The sentence that goes with the remedy. */
export const useOpenssh =
  'The OpenSSH back end can: add the host to the setting loadline.hosts as {"host": "…", "backend": "openssh"}, or set LOADLINE_SSH_BACKEND=openssh.';

/** What failed, where, and what to do. `reason` is stable; match on it, never on the text. */
export class RemoteError extends Error {
  readonly remedy: Remedy | null;

  constructor(
    readonly reason: RemoteErrorReason,
    readonly host: string,
    message: string,
    options?: ErrorOptions & { readonly remedy?: Remedy | null },
  ) {
    super(message, options);
    this.name = 'RemoteError';
    this.remedy = options?.remedy ?? null;
  }

  static is(error: unknown, reason?: RemoteErrorReason): error is RemoteError {
    return error instanceof RemoteError && (reason === undefined || error.reason === reason);
  }
}

/** Whatever a connection must ask a person. undefined means cancelled. Answers are never logged. */
export interface Prompter {
  /** A key that no known_hosts file has. True only after a person compared fingerprints and accepted. */
  acceptUnknownHostKey(question: {
    readonly host: string;
    readonly port: number;
    readonly keyType: string;
    readonly fingerprint: string;
  }): Promise<boolean>;
  passphrase(question: { readonly host: string; readonly keyFile: string }): Promise<string | undefined>;
  password(question: { readonly host: string; readonly user: string }): Promise<string | undefined>;
  keyboardInteractive(question: {
    readonly host: string;
    readonly name: string;
    readonly instructions: string;
    readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[];
  }): Promise<readonly string[] | undefined>;
  /** Something that a person is to do and not to answer: touch a security key. */
  notice?(notice: { readonly host: string; readonly text: string }): void;
}

/** Log lines with secrets already removed. */
export interface RemoteLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
