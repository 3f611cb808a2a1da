/** A model hub made for tests: it speaks the hub's API over HTTP on this machine, and can be told to fail. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export interface FakeRepo {
  readonly files: Readonly<Record<string, Buffer>>;
  readonly sha: string;
  /** Only with this token. */
  readonly token?: string;
}

export interface Misbehaviour {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Takes the request and never answers. */
  readonly silent?: boolean;
  /** Ends the connection in the middle of the answer. */
  readonly cut?: boolean;
  /** Sends this many bytes of nothing. */
  readonly flood?: number;
}

export class FakeHub {
  readonly requests: FakeRequest[] = [];
  readonly repos = new Map<string, FakeRepo>();
  /** Requests of a path that contains this go wrong. */
  misbehave: { readonly path: string; readonly how: Misbehaviour } | undefined;
  /** Where files are really sent from: another origin, as the hub's storage is. */
  storage: string | undefined;
  /** Stays what it was when the hub is stopped. */
  endpoint = '';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    await new Promise<void>((resolve) => hub.#server.listen(0, '127.0.0.1', resolve));
    hub.endpoint = `http://127.0.0.1:${(hub.#server.address() as AddressInfo).port}`;
    return hub;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    const { authorization, range } = request.headers;
    this.requests.push({ method: request.method ?? '', path, authorization, range });
    if (this.misbehave !== undefined && path.includes(this.misbehave.path)) {
      misbehave(this.misbehave.how, response);
      return;
    }
    const api = /^\/api\/models\/(.+)\/revision\/([^?]+)/.exec(path);
    const file = /^\/(?:storage\/)?(.+?)\/(?:resolve|raw)\/([^/]+)\/(.+)$/.exec(path);
    const repo = this.repos.get(api?.[1] ?? file?.[1] ?? '');
    const stored = path.startsWith('/storage/');
    if (repo === undefined) {
      refuse(response, 404, 'RepoNotFound');
      return;
    }
    if (repo.token !== undefined && !stored && authorization !== `Bearer ${repo.token}`) {
      refuse(response, 401, 'GatedRepo');
      return;
    }
    if (api !== null) {
      if (api[2] !== 'main' && api[2] !== repo.sha) {
        refuse(response, 404, 'RevisionNotFound');
        return;
      }
      response.setHeader('Content-Type', 'application/json');
      response.end(
        JSON.stringify({
          _id: '1',
          id: api[1],
          sha: repo.sha,
          lastModified: '2026-01-01',
          siblings: Object.keys(repo.files).map((rfilename) => ({ rfilename })),
        }),
      );
      return;
    }
    const content = repo.files[file?.[3] ?? ''];
    if (content === undefined) {
      refuse(response, 404, 'EntryNotFound');
      return;
    }
    if (this.storage !== undefined && !stored && path.includes('/resolve/')) {
      response.setHeader('Location', `${this.storage}/storage${path}`);
      response.setHeader('X-Linked-ETag', '"etag"');
      response.writeHead(302).end();
      return;
    }
    sendRange(content, range, request.method === 'HEAD', response);
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.setHeader('X-Error-Code', code);
  response.writeHead(status, { 'Content-Type': 'application/json' }).end('{"error":"no"}');
}

function sendRange(content: Buffer, range: string | undefined, head: boolean, response: ServerResponse) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  response.setHeader('ETag', '"etag"');
  if (first === undefined || last === undefined) {
    response.writeHead(200, { 'Content-Length': content.length });
    response.end(head ? undefined : content);
    return;
  }
  const part = content.subarray(Number(first), Number(last) + 1);
  const end = Number(first) + part.length - 1;
  response.writeHead(206, {
    'Content-Range': `bytes ${first}-${end}/${content.length}`,
    'Content-Length': part.length,
  });
  response.end(part);
}

function misbehave(how: Misbehaviour, response: ServerResponse): void {
  if (how.silent) return;
  if (how.cut) {
    response.writeHead(206, {
      'Content-Length': 1000,
      'Content-Range': 'bytes 0-999/100000',
      ETag: '"etag"',
    });
    response.write('{"torn');
    setImmediate(() => response.destroy());
    return;
  }
  if (how.flood !== undefined) {
    response.writeHead(206, { 'Content-Range': 'bytes 0-0/1000', ETag: '"etag"' });
    const piece = Buffer.alloc(1024 * 1024);
    let left = how.flood;
    const more = () => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        if (!response.write(piece)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
    return;
  }
  response.writeHead(how.status ?? 500, how.headers).end(how.body);
}
