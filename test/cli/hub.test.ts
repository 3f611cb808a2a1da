import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeHub } from '../unit/storage/fakeHub.ts';
import { madeConfig, madeFile, madeHeader, madeShapes } from '../unit/storage/madeCheckpoint.ts';
import { BuiltCli } from './builtCli.ts';

let cli: BuiltCli;
let hub: FakeHub;
const token = 'hf_aSecretThatNobodyMayRead';
beforeAll(async () => {
  cli = await BuiltCli.build();
  hub = await FakeHub.start();
  hub.repos.set('acme/tiny', {
    sha: 'c'.repeat(40),
    token,
    files: {
      'config.json': Buffer.from(JSON.stringify(madeConfig)),
      'model.safetensors': madeFile(madeHeader(madeShapes())),
    },
  });
});
afterAll(() => hub.stop());

describe('loadline fit --hub', () => {
  const fit = ['fit', '--model', 'acme/tiny', '--gpu', 'h100'];

  it('asks the hub with the token of the environment, and says that the header was read', async () => {
    const asked = await cli.run([...fit, '--hub', '--endpoint', hub.endpoint], { HF_TOKEN: token });
    expect(asked.stderr).toBe('');
    expect(asked.exitCode).toBe(0);
    expect(asked.stdout).toContain('checkpoint header, 1 file');
    expect(asked.stdout).not.toContain(token);
  });

  it('says what to do about a gated model, without the token in it', async () => {
    const argv = ['fit', '--model', 'acme/tiny', '--gpu', 'h100', '--hub'];
    const asked = await cli.run(argv, { HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_otherSecret' });
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toMatch(/--model: "acme\/tiny" is gated at .*ask for access at/);
    expect(asked.stderr).not.toContain('hf_otherSecret');
  });

  it('asks no hub without being told to', async () => {
    const before = hub.requests.length;
    const asked = await cli.run(['fit', '--model', 'acme/other', '--gpu', 'h100'], {
      HF_ENDPOINT: hub.endpoint,
    });
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain('model.not-found');
    expect(hub.requests.length).toBe(before);
    const alone = await cli.run([...fit, '--endpoint', hub.endpoint]);
    expect(alone.stderr).toContain('only with --hub');
  });
});
