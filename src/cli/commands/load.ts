import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TraceEntry } from '../../core/sweep/run.ts';
import { summariseTrial } from '../../core/sweep/statistics.ts';
import { parseTrace } from '../../core/sweep/trace.ts';
import type { LoadMeasured, LoadRequestDocument } from '../../protocol/agent.ts';
import type { AgentClient } from '../../remote/agentClient.ts';
import { RemoteError } from '../../remote/host.ts';
import { BadInput } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { HostSession } from '../hostSession.ts';
import { loadOptionKinds, loadProfileOf, serviceLevelOf } from '../loadOptions.ts';
import { loadDocument, loadLines, loadWarnings, progressLine } from '../loadView.ts';
import { type ParsedOptions, parseOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** What the agent refuses that a change of the command line mends. */
const badInputCodes: ReadonlySet<string> = new Set([
  'bad-request',
  'bad-profile',
  'no-such-model',
  'which-model',
]);

/** The load generator alone, from this machine, against an endpoint that runs already. */
export async function loadCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('load', argv, {
    ...loadOptionKinds,
    model: { type: 'string' },
    'api-key-file': { type: 'string' },
  });
  const [url, ...more] = given.files;
  if (url === undefined)
    throw new BadInput('loadline load: give the URL of a server: http://127.0.0.1:8000.');
  if (more.length > 0) throw new BadInput(`loadline load: one server at a time; "${more[0]}" is too much.`);
  const load = loadProfileOf(given, await traceOf(given, terminal));
  const serviceLevel = serviceLevelOf(given);
  const apiKey = await apiKeyOf(given, terminal);
  const session = new HostSession(terminal, 'this-machine');
  try {
    const agent = await session.agent();
    const request = { url, modelName: given.text('model') ?? null, load };
    const measured = await measure(agent, request, apiKey, terminal);
    if (measured === undefined) return exitCodes.interrupted;
    const result = summariseTrial(measured.measurement, serviceLevel, load);
    const loaded = { url, load, serviceLevel, measured, result };
    if (given.isSet('json')) terminal.out(JSON.stringify(loadDocument(loaded), null, 2));
    else for (const line of loadLines(loaded)) terminal.out(line);
    for (const warning of loadWarnings(loaded)) terminal.err(`warning: ${warning}`);
    if (measured.interrupted === true) return exitCodes.interrupted;
    return (loaded.result.requests.ok ?? 0) > 0 ? exitCodes.ok : exitCodes.negative;
  } catch (error) {
    return explain(error, terminal);
  } finally {
    await session.dispose();
  }
}

/** undefined where Ctrl-C came before anything was measured. The first one ends the load with a result. */
async function measure(
  agent: AgentClient,
  request: LoadRequestDocument,
  apiKey: string | undefined,
  terminal: Terminal,
): Promise<LoadMeasured | undefined> {
  const { interrupted } = terminal;
  let stop = () => {};
  const onInterrupt = () => stop();
  interrupted.addEventListener('abort', onInterrupt);
  let loadBegan: number | undefined;
  let phase = '';
  try {
    const records = agent.load(request, {
      ...(apiKey === undefined ? {} : { apiKey }),
      onControl: (control) => {
        stop = () => control({ stop: true });
        if (interrupted.aborted) stop();
      },
    });
    for await (const record of records) {
      if (record.type === 'load-measured') return record;
      if (record.phase === 'load') loadBegan ??= performance.now();
      const elapsed = loadBegan === undefined ? 0 : (performance.now() - loadBegan) / 1000;
      const line = progressLine(record, request.load, elapsed);
      if (terminal.status !== undefined) terminal.status(line);
      else if (record.phase !== phase) terminal.err(line);
      phase = record.phase;
    }
    return undefined;
  } finally {
    interrupted.removeEventListener('abort', onInterrupt);
  }
}

/** From the file, else from the environment; never from the command line, which every process may read. */
async function apiKeyOf(given: ParsedOptions, terminal: Terminal): Promise<string | undefined> {
  const file = given.text('api-key-file');
  if (file === undefined) return process.env['LOADLINE_API_KEY'] || undefined;
  const key = (await textOf('api-key-file', file, terminal)).trim();
  if (key === '' || /\s/.test(key))
    throw new BadInput(`--api-key-file: ${file} does not hold one key on one line.`);
  return key;
}

async function traceOf(given: ParsedOptions, terminal: Terminal): Promise<readonly TraceEntry[] | undefined> {
  const file = given.text('trace');
  if (file === undefined) return undefined;
  const trace = parseTrace(await textOf('trace', file, terminal));
  if (trace.ok) return trace.value;
  const [problem] = trace.problems;
  throw new BadInput(`--trace: ${file}: ${problem?.message ?? 'it cannot be used'}`);
}

async function textOf(option: string, file: string, terminal: Terminal): Promise<string> {
  try {
    return await readFile(resolve(terminal.cwd, file), 'utf8');
  } catch (error) {
    throw new BadInput(
      `--${option}: ${file} cannot be read (${error instanceof Error ? error.message : error}).`,
    );
  }
}

/** What the agent says went wrong, without the name of this machine before it. */
function explain(error: unknown, terminal: Terminal): number {
  const said = RemoteError.is(error, 'agent') ? recordOf(error) : undefined;
  if (said === undefined) throw error;
  if (said.code === 'cancelled') return exitCodes.interrupted;
  terminal.err(`${said.message} [${said.code}]`);
  if (badInputCodes.has(said.code)) return exitCodes.badInput;
  return said.code === 'load' ? exitCodes.negative : exitCodes.unavailable;
}

function recordOf(error: RemoteError): { readonly code: string; readonly message: string } | undefined {
  const { cause } = error;
  if (typeof cause !== 'object' || cause === null || !('code' in cause) || !('message' in cause))
    return undefined;
  return { code: String(cause.code), message: String(cause.message) };
}
