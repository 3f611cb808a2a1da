/** What VS Code gives a webview; callable once a page. */
interface WebviewApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): WebviewApi;

/** The extension host as a panel sees it. `To` comes in, `From` goes out. */
export interface HostContext<To, From> {
  post(message: From): void;
  /** Says `ready` to the host once there is someone to hear the answer: the host owns the data. */
  listen(handler: (message: To) => void): void;
  /** What `writeState` left before the page was closed or reloaded; anything, it must be checked. */
  readState(): unknown;
  writeState(state: unknown): void;
}

export function connectHost<To, From extends { readonly type: string }>(): HostContext<
  To,
  From | { readonly type: 'ready' }
> {
  const api = acquireVsCodeApi();
  return {
    post: (message) => api.postMessage(message),
    listen(handler) {
      window.addEventListener('message', (event: MessageEvent<unknown>) => {
        if (isMessage(event.data)) handler(event.data as To);
      });
      api.postMessage({ type: 'ready' });
    },
    readState: () => api.getState(),
    writeState: (state) => api.setState(state),
  };
}

const messageTypes = new Set([
  'snapshot',
  'delta',
  'detail',
  'compared-run',
  'run-telemetry',
  'plan-cursor',
  'pick',
]);

/** Other messages reach a webview too (VS Code's own, extensions of the browser). */
function isMessage(data: unknown): boolean {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    typeof data.type === 'string' &&
    messageTypes.has(data.type)
  );
}
