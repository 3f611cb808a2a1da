import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  createProtocolConnection,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  InitializedNotification,
  InitializeRequest,
  PublishDiagnosticsNotification,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';

/** A shell script of `deployments` launches, each of which needs a diagnostic. */
function script(deployments: number, maxModelLen: number): string {
  const launch = (index: number) =>
    [
      '# loadline: gpu=rtx-4090',
      `vllm serve meta-llama/Llama-3.1-8B-Instruct \\`,
      `  --port ${8000 + index} \\`,
      `  --max-model-len ${maxModelLen}`,
      '',
    ].join('\n');
  return Array.from({ length: deployments }, (_, index) => launch(index)).join('\n');
}

/** A compose file of 2,000 lines, half of them services without an engine; the key press is in one of the engines' flags. */
export function composeFile(deployments: number, maxModelLen: number): string {
  const engine = (index: number) => [
    '  # loadline: gpu=rtx-4090',
    `  llm-${index}:`,
    '    <<: *engine',
    '    command:',
    '      - --model',
    '      - meta-llama/Llama-3.1-8B-Instruct',
    '      - --port',
    `      - "${8000 + index}"`,
    '      - --max-model-len',
    `      - "${index === 7 ? maxModelLen : 131_072}"`,
    '    deploy:',
    '      resources:',
    '        reservations:',
    '          devices:',
    '            - driver: nvidia',
    '              count: 1',
    '              capabilities: [gpu]',
    ...plainService(index).slice(1, 34),
  ];
  const head = ['x-engine: &engine', '  image: vllm/vllm-openai:v0.26.0', '  ipc: host', 'services:'];
  const services = Array.from({ length: deployments }, (_, index) => [
    ...engine(index),
    ...plainService(index),
  ]);
  return [...head, ...services.flat()].join('\n');
}

function plainService(index: number): string[] {
  return [
    `  web-${index}:`,
    '    logging:',
    '      driver: json-file',
    '      options: { max-size: 10m, max-file: "3" }',
    '    environment:',
    ...Array.from({ length: 30 }, (_, at) => `      SETTING_${at}: "value ${index} ${at} of a service"`),
    '    ports:',
    ...Array.from({ length: 13 }, (_, at) => `      - "${20_000 + 100 * index + at}:80"`),
    '',
  ];
}

export interface KeystrokeTimes {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export function benchScript(keystrokes: number): Promise<KeystrokeTimes> {
  return benchKeystrokes('bench.sh', 'shellscript', (version) => script(20, 131_072 - version), keystrokes);
}

export function benchCompose(keystrokes: number): Promise<KeystrokeTimes> {
  const text = (version: number) => composeFile(20, 131_072 - version);
  return benchKeystrokes('compose.yaml', 'dockercompose', text, keystrokes);
}

/** Milliseconds from a change sent to the diagnostics of that very version, through the server's own process. */
async function benchKeystrokes(
  name: string,
  languageId: string,
  text: (version: number) => string,
  keystrokes: number,
): Promise<KeystrokeTimes> {
  const server = spawn(process.execPath, [join(process.cwd(), 'dist/server.js'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const waiting = new Map<number, () => void>();
  connection.onNotification(PublishDiagnosticsNotification.type, ({ version }) => {
    if (version !== undefined) waiting.get(version)?.();
  });
  connection.onRequest('workspace/configuration', ({ items }: { items: readonly unknown[] }) =>
    items.map(() => null),
  );
  connection.onRequest('workspace/codeLens/refresh', () => null);
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    capabilities: { textDocument: { publishDiagnostics: { versionSupport: true } } },
    workspaceFolders: null,
    initializationOptions: { gpu: null, gpuCount: 1, engineVersion: null },
  });
  await connection.sendNotification(InitializedNotification.type, {});
  const uri = `untitled:${name}`;
  const answered = (version: number) => new Promise<void>((resolve) => waiting.set(version, resolve));
  const first = answered(1);
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId, version: 1, text: text(0) },
  });
  await first;
  const times: number[] = [];
  for (let version = 2; version < keystrokes + 2; version++) {
    const answer = answered(version);
    const started = performance.now();
    await connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges: [{ text: text(version) }],
    });
    await answer;
    times.push(performance.now() - started);
  }
  connection.dispose();
  server.kill();
  await once(server, 'exit');
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}
