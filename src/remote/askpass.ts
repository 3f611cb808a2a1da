import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { quoteCommand } from './quote.ts';

/** Run by ssh for each question, with the question as its argument. The answer goes to ssh over a pipe and is never on a disk. */
const helper = `const socket = require('node:net').connect(process.argv[2]);
let answer = '';
socket.on('connect', () => socket.write(JSON.stringify({ prompt: process.argv[3] || '', hint: process.env.SSH_ASKPASS_PROMPT || '' }) + '\\n'));
socket.on('data', (data) => { answer += data.toString('utf8'); });
socket.on('error', () => process.exit(1));
socket.on('end', () => {
  const { value } = JSON.parse(answer || '{}');
  if (typeof value !== 'string') process.exit(1);
  process.stdout.write(value + '\\n', () => process.exit(0));
});
`;

/** Answers a question of ssh; undefined: it gets none. `gone` when ssh waits no longer. */
export type AskpassAnswer = (
  prompt: string,
  hint: string,
  gone: Promise<void>,
) => Promise<string | undefined>;

/** The askpass program of one connection, in a private folder, and the socket over which it asks us. */
export class Askpass {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    server: Server,
    readonly program: string,
  ) {
    this.#server = server;
  }

  /** `folder`: of nobody else, mode 0700. */
  static async start(folder: string, answer: AskpassAnswer): Promise<Askpass> {
    const path = (name: string) => join(folder, name);
    await writeFile(path('askpass.cjs'), helper, { mode: 0o600 });
    const command = quoteCommand([process.execPath, path('askpass.cjs'), path('askpass.sock')]);
    // An editor's own binary is node only where this says so.
    await writeFile(path('askpass'), `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${command} "$1"\n`);
    await chmod(path('askpass'), 0o700);
    const server = createServer({ allowHalfOpen: true });
    const askpass = new Askpass(server, path('askpass'));
    server.on('connection', (socket) => askpass.#serve(socket, answer));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path('askpass.sock'), resolve);
    });
    return askpass;
  }

  dispose(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, answer: AskpassAnswer): void {
    this.#sockets.add(socket);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    void gone.then(() => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    let text = '';
    let isRead = false;
    socket.on('data', (data) => {
      text += data.toString('utf8');
      if (isRead || !text.includes('\n')) return;
      isRead = true;
      const { prompt, hint } = JSON.parse(text) as { readonly prompt: string; readonly hint: string };
      answer(prompt, hint, gone).then(
        (value) => socket.end(JSON.stringify({ value })),
        () => socket.end('{}'),
      );
    });
  }
}
