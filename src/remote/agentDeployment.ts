import * as z from 'zod';
import { deployAgent, findPython, mark } from './deploymentScripts.ts';
import { RemoteError, type RemoteHost } from './host.ts';

/** `dist/loadline-agent.pyz` as it stands in the product. `sha256` in hex. */
export interface AgentArchive {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** The agent on a host, checked by hash. */
export interface DeployedAgent {
  /** Where it is, on the host. */
  readonly path: string;
  readonly python: string;
  readonly pythonVersion: string;
  /** The words to put before a verb: Python alone (`-I`), with the PATH of the user's login shell. */
  readonly command: readonly string[];
  /** False where it was there already. */
  readonly uploaded: boolean;
}

const checkWithinMs = 60_000;
const uploadWithinMs = 300_000;
const noPythonExitCode = 3;

/**
 * The agent of exactly this archive, on the host: one round trip where it is there already. Throws RemoteError `no-python`,
 * `disk-full` (with the path), `agent-upload`, `lost`, `timeout` or `cancelled`.
 */
export async function ensureAgent(
  host: RemoteHost,
  archive: AgentArchive,
  options: { readonly signal?: AbortSignal } = {},
): Promise<DeployedAgent> {
  const checked = await deploy(host, 'check', archive.sha256, new Uint8Array(), options.signal);
  if (checked.answer.status === 'present') return { ...describe(checked), uploaded: false };
  const done = await deploy(host, 'upload', archive.sha256, archive.bytes, options.signal);
  return { ...describe(done), uploaded: true };
}

const answerGuard = z.discriminatedUnion('status', [
  z.object({ status: z.literal('present'), path: z.string() }),
  z.object({ status: z.literal('absent'), path: z.string() }),
  z.object({ status: z.literal('unsafe'), path: z.string(), why: z.string() }),
  z.object({ status: z.literal('disk-full'), path: z.string(), why: z.string() }),
  z.object({ status: z.literal('damaged') }),
  z.object({ status: z.literal('failed'), path: z.string(), why: z.string() }),
]);
type Answer = z.infer<typeof answerGuard>;

interface Outcome {
  readonly answer: Extract<Answer, { status: 'present' | 'absent' }>;
  readonly python: string;
  readonly pythonVersion: string;
  readonly searchPath: string;
}

function describe({ answer, python, pythonVersion, searchPath }: Outcome): Omit<DeployedAgent, 'uploaded'> {
  const { path } = answer;
  const setPath = 'PATH=$1; export PATH; shift; exec "$@"';
  return {
    path,
    python,
    pythonVersion,
    command: ['/bin/sh', '-c', setPath, 'sh', searchPath, python, '-I', path],
  };
}

async function deploy(
  host: RemoteHost,
  verb: 'check' | 'upload',
  sha256: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<Outcome> {
  const script = Buffer.from(deployAgent);
  const login = host.kind === 'ssh' ? '1' : '0';
  const result = await host.exec(
    ['/bin/sh', '-c', findPython, 'sh', login, String(script.length), verb, sha256],
    {
      stdin: Buffer.concat([script, bytes]),
      timeoutMs: verb === 'upload' ? uploadWithinMs : checkWithinMs,
      ...(signal ? { signal } : {}),
    },
  );
  const marked = result.stdout.split('\n').flatMap((line) => {
    const [, kind, text] = line.startsWith(mark) ? (/^(\w+) (.*)$/.exec(line.slice(mark.length)) ?? []) : [];
    return kind !== undefined && text !== undefined ? [{ kind, text }] : [];
  });
  const last = (kind: string) => marked.filter((line) => line.kind === kind).at(-1)?.text;
  const [, pythonVersion = '', python = ''] = /^(\S+) (.+)$/.exec(last('python') ?? '') ?? [];
  if (result.exitCode === noPythonExitCode)
    throw noPython(
      host.name,
      marked.filter(({ kind }) => kind === 'python').map(({ text }) => text),
    );
  const answer = readAnswer(last('deploy'));
  const searchPath = last('path');
  if (answer === undefined || searchPath === undefined) throw notAnswered(host.name, result);
  switch (answer.status) {
    case 'present':
    case 'absent':
      return { answer, python, pythonVersion, searchPath };
    case 'disk-full':
      throw new RemoteError(
        'disk-full',
        host.name,
        `There is no space for the agent on ${host.name}: ${answer.path} (${answer.why}). Free space there, or set XDG_CACHE_HOME in your profile there to a folder with space.`,
      );
    case 'unsafe':
      throw new RemoteError(
        'agent-upload',
        host.name,
        `The agent was not put on ${host.name}: ${answer.path} ${answer.why}. Remove it, or set XDG_CACHE_HOME in your profile there to a folder of your own.`,
      );
    case 'failed':
      throw new RemoteError(
        'agent-upload',
        host.name,
        `The agent could not be put on ${host.name}: ${answer.path}: ${answer.why}.`,
      );
    case 'damaged':
      throw new RemoteError(
        'agent-upload',
        host.name,
        `The agent arrived damaged on ${host.name} (its hash is wrong), and was not kept. Connect again.`,
      );
  }
}

function readAnswer(text: string | undefined): Answer | undefined {
  try {
    return answerGuard.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

/** `found`: `<version> <path>` of those that are too old. */
function noPython(host: string, found: readonly string[]): RemoteError {
  const why =
    found.length === 0
      ? `There is no python3 on ${host} (looked along the PATH of a login shell).`
      : `Python on ${host} is too old: ${found.map((one) => one.replace(/^(\S+) (.+)$/, '$2 is $1')).join(', ')}.`;
  return new RemoteError(
    'no-python',
    host,
    `${why} Loadline's agent needs Python 3.8 or newer and nothing else: install it there, or put it on the PATH in your profile (~/.profile), for instance by a module or conda.`,
  );
}

function notAnswered(
  host: string,
  { exitCode, stderr, stdout }: { exitCode: number | null; stderr: string; stdout: string },
): RemoteError {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join(' ').slice(0, 500);
  return new RemoteError(
    'agent-upload',
    host,
    `${host} did not run the commands that put the agent there (exit status ${exitCode ?? 'unknown'}${said === '' ? '' : `: ${said}`}). Check that \`ssh ${host} /bin/sh -c true\` works.`,
  );
}
