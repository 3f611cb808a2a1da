import { expect, it } from 'vitest';
import { RemoteError } from '../../../src/remote/host.ts';
import { ThisMachineHost } from '../../../src/remote/thisMachineHost.ts';

it('leaves nothing running on this machine, also what is being started while it ends', async () => {
  const host = new ThisMachineHost();
  const running = await host.spawn(['sleep', '1000']);
  const starting = host.spawn(['sleep', '1000']);
  const disposing = host.dispose();
  const late = await starting;
  await disposing;
  expect(await running.exit).toEqual({ exitCode: null, lost: false });
  expect(await late.exit).toEqual({ exitCode: null, lost: false });
  await expect(host.spawn(['true'])).rejects.toThrow(RemoteError);
});
