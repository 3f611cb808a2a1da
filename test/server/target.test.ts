import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { noCalibration, withStep } from '../../src/core/calibration/calibration.ts';
import { calibrationEntry } from '../../src/core/calibration/entry.ts';
import {
  calibrationChanged,
  type EstimatesResult,
  estimatesRequest,
  type FlagEditsResult,
  type TargetsResult,
  targetEditsRequest,
  targetsRequest,
  type VerdictsResult,
  verdictsRequest,
} from '../../src/protocol/lsp.ts';
import { writeCalibration } from '../../src/storage/calibrationFile.ts';
import { readLogFile } from '../../src/storage/logFile.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { TestClient } from './testClient.ts';

const folder = temporaryFolder('server-target');
const uri = pathToFileURL(join(folder, 'serve.yaml')).href;
const bare = 'model: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: 8192\n';

let client: TestClient;
afterEach(async () => {
  await client.stop();
});

const estimates = () => client.connection.sendRequest<EstimatesResult>(estimatesRequest, { uri });

describe('the GPU that a deployment is estimated for', () => {
  it.each([
    ['a comment', `# loadline: gpu=l4 x2\n${bare}`, { gpu: 'l4', label: 'L4', gpuCount: 2, from: 'comment' }],
    ['the settings', bare, { gpu: 'h200', label: 'H200', gpuCount: 1, from: 'fallback' }],
    [
      'a comment with an unknown name',
      `# loadline: gpu=l5x\n${bare}`,
      { gpu: 'l5x', label: null, from: 'comment' },
    ],
  ])('is told with who says it: %s', async (_, text, expected) => {
    client = await TestClient.start({ initializationOptions: { gpu: 'h200', gpuCount: 1 } });
    await client.open(uri, text);
    expect((await estimates()).deployments[0]?.target).toMatchObject(expected);
    const told = await client.connection.sendRequest<TargetsResult>(targetsRequest, { uri });
    expect(told.deployments).toMatchObject([{ index: 0, target: expected }]);
  });

  it('may be any: the verdict on each of the catalogue, before one is chosen', async () => {
    client = await TestClient.start();
    await client.open(uri, bare.replace('8192', '131072'));
    const { verdicts } = await client.connection.sendRequest<VerdictsResult>(verdictsRequest, {
      uri,
      index: 0,
    });
    const on = (device: string) => verdicts.find((each) => each.device === device);
    expect(on('rtx-4090-24gb')?.outcome).toBe('does-not-fit');
    expect(on('h200-sxm-141gb')).toMatchObject({ outcome: 'fits', maxModelLen: 131_072 });
    expect(on('h200-sxm-141gb')?.maxConcurrency).toBeGreaterThan(5);
  });

  it('is written into the file as a comment where one is asked for', async () => {
    client = await TestClient.start();
    await client.open(uri, bare);
    const { edits } = await client.connection.sendRequest<FlagEditsResult>(targetEditsRequest, {
      uri,
      index: 0,
      gpu: 'l40s-48gb',
      gpuCount: 2,
    });
    await client.edit(uri, [...edits]);
    expect(client.document(uri).getText()).toBe(`# loadline: gpu=l40s-48gb x2\n${bare}`);
    expect(await client.lensTitles(uri)).toEqual([expect.stringContaining('2 × L40S')]);
  });
});

describe('a calibration beside the document', () => {
  it('corrects estimates, which say that they are measured and by what; without it they are as before', async () => {
    client = await TestClient.start();
    const text = `# loadline: gpu=h200 engine=0.26.0\n${bare}`;
    await client.open(uri, text);
    const [plain] = await client.lensTitles(uri);
    expect(plain).not.toContain('measured');
    const estimated = (await estimates()).deployments[0]?.estimate;
    const log = new URL('../fixtures/logs/vllm-0.26-h200-llama31-8b.log', import.meta.url).pathname;
    const [record] = await readLogFile(log);
    if (!record || !estimated || !('kv' in estimated)) throw new Error('nothing to calibrate by');
    const entry = calibrationEntry(record, estimated, { kind: 'log', source: 'start.log:1' });
    if (!entry) throw new Error('no entry');
    await writeCalibration(folder, withStep(noCalibration, { at: '2026-11-25T00:00:00Z', entries: [entry] }));
    await client.connection.sendNotification(calibrationChanged);
    expect((await client.lensTitles(uri))[0]).toMatch(/^✔ fits H200 · .* · measured$/);
    const hover = await client.hover(uri, 'max-model-len');
    expect(hover).toMatch(/\| weights \| [^\n]*\*\*measured\*\* [^\n]*start\.log:1/);
    await writeCalibration(folder, noCalibration);
    await client.connection.sendNotification(calibrationChanged);
    expect(await client.lensTitles(uri)).toEqual([plain]);
  });
});
