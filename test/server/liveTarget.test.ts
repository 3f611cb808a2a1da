import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { findDevice } from '../../src/core/device/catalogue.ts';
import { GiB } from '../../src/core/units.ts';
import {
  type EstimatesResult,
  estimatesRequest,
  type LiveTarget,
  liveTargetChanged,
} from '../../src/protocol/lsp.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { TestClient } from './testClient.ts';

const uri = pathToFileURL(join(temporaryFolder('server-live-target'), 'serve.yaml')).href;
const bare = 'model: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: 8192\n';
const totalBytes = 150_121_545_728;
const gpu = (ordinal: number, freeGib: number) => ({
  ordinal,
  uuid: `GPU-${ordinal}`,
  cudaTotalBytes: totalBytes,
  freeBytes: freeGib * GiB,
});
const gpu01: LiveTarget = {
  host: 'gpu-01',
  gpu: 'NVIDIA H200',
  gpus: [gpu(0, 131), gpu(1, 40)],
  engines: [{ name: 'vllm', version: '0.11.0' }],
  probedAtMs: Date.now() - 3 * 60_000,
};

let client: TestClient;
afterEach(async () => {
  await client.stop();
});

async function opened(text: string, target: LiveTarget | null = gpu01): Promise<void> {
  client = await TestClient.start({ initializationOptions: { gpu: 'l4', gpuCount: 1 } });
  await client.open(uri, text);
  await send(target);
}

const send = (target: LiveTarget | null) => client.connection.sendNotification(liveTargetChanged, { target });

async function only() {
  const { deployments } = await client.connection.sendRequest<EstimatesResult>(estimatesRequest, { uri });
  const [first] = deployments;
  if (!first || !('kv' in first.estimate)) throw new Error('not estimated');
  return { ...first, estimate: first.estimate };
}

describe('a probed host as the target', () => {
  it('gives total and free memory and the engine version in place of the catalogue, and says so', async () => {
    await opened(bare);
    const { estimate, target, request } = await only();
    expect(target).toMatchObject({ label: 'H200', live: { host: 'gpu-01', probedAtMs: gpu01.probedAtMs } });
    expect(request).toMatchObject({ cudaTotalBytes: totalBytes, freeBytes: 131 * GiB });
    expect(estimate).toMatchObject({ device: 'h200-sxm-141gb', engineVersion: '0.11.0' });
    expect(estimate.perRank[0]).toMatchObject({ totalBytes, freeBytes: 131 * GiB });
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/H200 · .* · live from gpu-01$/)]);
    const hover = await client.hover(uri, 'max-model-len');
    expect(hover).toContain('CUDA sees on gpu-01 (live)');
    expect(hover).toContain('| free | 131.00 | exact | before the engine starts | live: gpu-01 |');
    expect(hover).toContain('Live from gpu-01, probed 3 min ago: total memory, free memory, engine version.');
    expect(hover).toContain('vLLM 0.11.0 (live: gpu-01)');
  });

  it('does not fit where others have taken the memory, though the empty GPU would hold it', async () => {
    await opened(bare, { ...gpu01, gpus: [gpu(0, 100)] });
    expect((await only()).estimate.verdict.outcome).toBe('does-not-fit');
    await send(null);
    await client.edit(uri, [
      {
        range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
        newText: '# loadline: gpu=h200\n',
      },
    ]);
    expect((await only()).estimate.verdict.outcome).toBe('fits');
  });

  it('counts the fullest of the GPUs that are used, and says where there are too few', async () => {
    await opened(`# loadline: gpu=h200 x2\n${bare}tensor-parallel-size: 2\n`);
    expect((await only()).request?.freeBytes).toBe(40 * GiB);
    await client.edit(uri, [
      {
        range: { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } },
        newText: '# loadline: gpu=h200 x4\n',
      },
    ]);
    expect((await only()).estimate.warnings.map(({ code }) => code)).toContain('gpu.too-few-on-host');
  });

  it('leaves alone what names another GPU, and a version that the document names', async () => {
    await opened(`# loadline: gpu=l4 engine=0.26.0\n${bare}`);
    const other = await only();
    expect(other.target).toMatchObject({ label: 'L4', live: null });
    expect(other.estimate.perRank[0]?.totalBytes).toBe(findDevice('l4')?.cudaTotalBytes);
    await client.edit(uri, [
      {
        range: { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } },
        newText: '# loadline: gpu=h200 engine=0.26.0\n',
      },
    ]);
    expect((await only()).estimate).toMatchObject({ engineVersion: '0.26.0' });
    expect((await only()).target.live).toMatchObject({ host: 'gpu-01' });
  });

  it('keeps the catalogue where the host does not tell, and ends when the host is gone', async () => {
    const untold = { ordinal: 0, uuid: 'GPU-0', cudaTotalBytes: null, freeBytes: null };
    await opened(bare, { ...gpu01, gpus: [untold], engines: [] });
    expect((await only()).estimate.perRank[0]?.totalBytes).toBe(findDevice('h200')?.cudaTotalBytes);
    await send(null);
    const { target } = await only();
    expect(target).toMatchObject({ label: 'L4', live: null });
    expect(await client.lensTitles(uri)).toEqual([expect.not.stringContaining('live')]);
  });
});
