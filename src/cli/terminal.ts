/** What a command has of the process around it. The demo and tests hand in one of their own. */
export interface Terminal {
  /** A line for stdout: what was asked for. */
  out(line: string): void;
  /** A line for stderr: progress, warnings, problems. */
  err(line: string): void;
  /** Replaces the last line of stderr; undefined where stderr is no terminal. */
  readonly status?: (line: string) => void;
  /** Asks a person; undefined where there is none. Secrets are not echoed. Gives undefined for Ctrl-C or the end of input. */
  readonly ask?: (question: string, options: { readonly secret: boolean }) => Promise<string | undefined>;
  /** The first Ctrl-C. A second one ends the process. */
  readonly interrupted: AbortSignal;
  readonly cwd: string;
  /** `loadline-agent.pyz` of this installation. */
  readonly agentArchive: string;
  readonly version: string;
}
