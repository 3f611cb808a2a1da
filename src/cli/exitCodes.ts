/** Exit codes; docs/cli.md explains them. */
export const exitCodes = {
  ok: 0,
  /** `fit`: something does not fit. Runs: it failed, was cancelled or interrupted, or no cell has a result. */
  negative: 1,
  /** An option, a file, a plan or a name cannot be used; nothing was started. */
  badInput: 2,
  /** A host could not be reached or used, or a file here could not be written. */
  unavailable: 3,
  /** Ctrl-C: a run that was started goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
