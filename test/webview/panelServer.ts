import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { type ThemeName, themes } from './themes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const panels = ['calculator', 'telemetry', 'sweep'] as const;
export type Panel = (typeof panels)[number];

/** The panels, bundled as for shipping, behind the policy that the extension puts on them. */
export interface PanelServer {
  url(panel: Panel, theme: ThemeName): string;
  readonly metafile: esbuild.Metafile;
  close(): Promise<void>;
}

export async function servePanels(): Promise<PanelServer> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-webview-'));
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    bundle: true,
    minify: true,
    metafile: true,
    logLevel: 'warning',
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    outdir: folder,
    entryPoints: panels.flatMap((panel) => [
      { in: `webview/${panel}/main.ts`, out: panel },
      { in: `webview/${panel}/${panel}.css`, out: panel },
    ]),
  });
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const panel = panels.find((name) => url.pathname === `/${name}`);
    if (panel !== undefined) {
      response.setHeader('Content-Type', 'text/html');
      response.end(page(panel, url.searchParams.get('theme') as ThemeName, `http://${request.headers.host}`));
      return;
    }
    // What a browser asks for on its own.
    if (url.pathname === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    try {
      const file = basename(url.pathname);
      const body = await readFile(join(folder, file));
      response.setHeader('Content-Type', file.endsWith('.css') ? 'text/css' : 'text/javascript');
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: (panel, theme) => `http://127.0.0.1:${port}/${panel}?theme=${theme}`,
    metafile,
    close: () => closed(server, folder),
  };
}

async function closed(server: Server, folder: string): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true, force: true });
}

/** VS Code sets the variables on the root by script; a style sheet would be refused by the policy. */
function page(panel: Panel, theme: ThemeName, source: string): string {
  const nonce = 'bm9uY2Utb2YtdGhlLXRlc3Q=';
  const { bodyClasses } = themes[theme];
  const policy = [
    "default-src 'none'",
    `img-src ${source} data:`,
    `font-src ${source}`,
    `style-src ${source}`,
    `script-src 'nonce-${nonce}'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Loadline</title>
<link rel="stylesheet" href="${panel}.css">
</head>
<body class="${bodyClasses.join(' ')}">
<main id="app"></main>
<script type="module" nonce="${nonce}" src="${panel}.js"></script>
</body>
</html>`;
}
