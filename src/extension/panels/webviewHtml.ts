import { randomBytes } from 'node:crypto';
import { env, Uri, type Webview } from 'vscode';

export type PanelName = 'calculator' | 'telemetry' | 'sweep';

/** Where a panel may load from: its own bundle, and nothing else. */
export function webviewRoots(extensionUri: Uri): readonly Uri[] {
  return [Uri.joinPath(extensionUri, 'dist', 'webview')];
}

/** The page of a panel. Scripts need the nonce, which their imports inherit; nothing is loaded from elsewhere. */
export function webviewHtml(webview: Webview, extensionUri: Uri, name: PanelName): string {
  const nonce = randomBytes(16).toString('base64');
  const asset = (file: string): string =>
    webview.asWebviewUri(Uri.joinPath(extensionUri, 'dist', 'webview', file)).toString();
  const policy = [
    "default-src 'none'",
    `img-src ${webview.cspSource} data:`,
    `font-src ${webview.cspSource}`,
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${env.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Loadline</title>
<link rel="stylesheet" href="${asset(`${name}.css`)}">
</head>
<body>
<main id="app"></main>
<script type="module" nonce="${nonce}" src="${asset(`${name}.js`)}"></script>
</body>
</html>`;
}
