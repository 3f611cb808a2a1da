import type { Connection } from 'vscode-languageserver';
import { type HubAccessParams, type HubAccessResult, hubAccessRequest } from '../protocol/lsp.ts';
import { hubAccess } from '../storage/checkpoint/hubAccess.ts';
import type { ResolveOptions } from '../storage/modelFolder.ts';

/** Leave to ask a model hub, of the client: it knows what the user allowed, and keeps the token. A client that knows nothing of it gives none. */
export function leaveOf(connection: Connection): NonNullable<ResolveOptions['hub']> {
  return async ({ model, need }) => {
    const params: HubAccessParams = { model, need };
    let given: HubAccessResult;
    try {
      given = await connection.sendRequest<HubAccessResult>(hubAccessRequest, params);
    } catch {
      return undefined;
    }
    if (typeof given !== 'object' || given === null) return undefined;
    const access = hubAccess(
      {
        ...(typeof given.endpoint === 'string' ? { endpoint: given.endpoint } : {}),
        ...(typeof given.token === 'string' ? { token: given.token } : {}),
      },
      process.env,
    );
    if (access.ok) return access.value;
    connection.console.warn(access.problems.map(({ message }) => message).join(' '));
    return undefined;
  };
}
