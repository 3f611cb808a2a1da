/** The telemetry panel in a real browser: tiles, hosts, what went wrong with them. The charts and their time axis: telemetry.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GiB } from '../../src/core/units.ts';
import type { GpuProcess } from '../../src/protocol/agentTelemetry.ts';
import { hostState, telemetryHeader, telemetryLines, telemetrySnapshot } from './examples.ts';
import { type PanelPage, startPanels } from './panelPage.ts';
import { themes } from './themes.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const open = (gpuCount = 2) => browser.open('telemetry', [telemetrySnapshot(gpuCount)]);
const blue = themes.dark.variables['charts-blue'] ?? '';
const memoryOf = (panel: PanelPage, gpu: number) =>
  panel.page.locator('.tile').nth(gpu).locator('dd').first().textContent();

describe('what the telemetry panel says of GPUs and hosts', () => {
  it('has a tile for each GPU, and says that the device is recorded wherever it shows', async () => {
    const panel = await open();
    expect(await panel.page.locator('.tile').count()).toBe(2);
    expect(await memoryOf(panel, 0)).toBe('97.0 of 140 GiB');
    expect(await panel.page.locator('.tile .tag').allTextContents()).toEqual(['recorded', 'recorded']);
    for (const title of await panel.page.locator('.figure h2').allTextContents())
      expect(title).toMatch(/ \(recorded\)$/);
    expect(await panel.page.locator('.foot').textContent()).toContain(
      'recorded device h200-static-batch, not live hardware',
    );
    await panel.close();
  });

  it('names the reason where a GPU is slowed down', async () => {
    const panel = await open(1);
    await panel.send({ type: 'delta', hosts: [{ ...hostState, lines: telemetryLines(1, 1000, 1030) }] });
    const [at] = [telemetryHeader(1).gpuColumns.indexOf('throttleReasons')];
    const [line] = telemetryLines(1, 1030, 1031);
    if (line?.type !== 'telemetry') throw new Error('no record');
    const gpus = line.gpus.map((row) => row.map((value, i) => (i === at ? 0x24 : value)));
    await panel.send({ type: 'delta', hosts: [{ ...hostState, lines: [{ ...line, gpus }] }] });
    expect(await panel.page.locator('.throttle').textContent()).toBe(' slowed: power cap, heat (software)');
    expect(await panel.page.locator('.headline').textContent()).toContain(
      'Slowed down: GPU 0 (power cap, heat (software)).',
    );
    await panel.close();
  });

  it('says what runs on each GPU and whose it is, and warns of somebody else', async () => {
    const panel = await open();
    const process = (pid: number, more: Partial<GpuProcess>): GpuProcess => ({
      pid,
      user: 'me',
      name: 'python3',
      memoryBytes: 2 * GiB,
      own: true,
      ...more,
    });
    const line = (gpu: number, processes: readonly GpuProcess[]) =>
      ({ type: 'telemetry-processes', monotonicMs: 5000 + 199_000, gpu, processes }) as const;
    const texts = (gpu: number) =>
      panel.page.locator('.tile').nth(gpu).locator('.processes li').allTextContents();
    expect(await panel.page.locator('.processes').first().isVisible()).toBe(false);
    const engine = process(1, { name: 'VLLM::EngineCore', memoryBytes: 9 * GiB, run: 'r-chat' });
    const others = process(7, { name: 'trainer', user: 'other', own: false });
    await panel.send({
      type: 'delta',
      hosts: [{ ...hostState, lines: [line(0, [process(2, {}), others, engine]), line(1, [])] }],
    });
    expect(await texts(0)).toEqual([
      'VLLM::EngineCore · run r-chat · 9.00 GiB',
      'python3 · yours · 2.00 GiB',
      ' trainer · other · 2.00 GiB',
    ]);
    expect(await texts(1)).toEqual(['no process']);
    expect(await panel.page.locator('.headline').textContent()).toContain(
      'Somebody else is on GPU 0 (trainer of other).',
    );
    await panel.send({
      type: 'delta',
      hosts: [
        {
          ...hostState,
          lines: [
            line(
              0,
              Array.from({ length: 6 }, (_, pid) => process(pid, {})),
            ),
          ],
        },
      ],
    });
    expect((await texts(0)).at(-1)).toBe('and 3 more');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('shows what a host without a GPU does, and what is of the machine beside its GPUs', async () => {
    const hostColumns = [
      'cpuPercent',
      'memoryUsedBytes',
      'networkTxBytesPerSecond',
      'networkRxBytesPerSecond',
    ];
    const lines = telemetryLines(0, 0, 300).map((line) =>
      line.type === 'telemetry' ? { ...line, host: [40, 2 * GiB, 1e6, 3e6] } : line,
    );
    const panel = await browser.open('telemetry', [
      {
        ...telemetrySnapshot(0, 0),
        hosts: [{ ...hostState, lines: [{ ...telemetryHeader(0), hostColumns }, ...lines] }],
      },
    ]);
    expect(await panel.page.locator('.notices').textContent()).toContain('has no GPU that its driver shows');
    expect(await panel.page.locator('.figure:visible h2').allTextContents()).toEqual(['Host CPU']);
    expect(await panel.page.locator('.empty').isVisible()).toBe(false);
    expect(await panel.pixelsOf('#host canvas', blue)).toBeGreaterThan(100);
    expect(await panel.page.locator('#host .summary').textContent()).toBe(
      'CPU 40.0 % at the end, 40.0 in all.',
    );
    expect(await panel.page.locator('.foot').textContent()).toContain(
      'host memory 2.00 GiB used · network 3.00 MB/s in, 1.00 MB/s out',
    );
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('says of memory errors that were not corrected how many there are, and nothing where there are none', async () => {
    const panel = await open();
    const ecc = (gpu: number, uncorrectedErrors: number) => ({
      type: 'telemetry-ecc',
      monotonicMs: 205_000,
      gpu,
      uncorrectedErrors,
    });
    await panel.send({ type: 'delta', hosts: [{ ...hostState, lines: [ecc(0, 0), ecc(1, 3)] }] });
    const shown = panel.page.locator('.memory-errors:visible');
    expect(await shown.allTextContents()).toEqual([' 3 memory errors were not corrected (ECC)']);
    await panel.close();
  });

  it('says that a driver answers nobody, until it does again', async () => {
    const panel = await open(1);
    const notice = (code: string, message: string) => ({
      type: 'delta',
      hosts: [
        {
          ...hostState,
          lines: [{ type: 'telemetry-notice', monotonicMs: 205_000, gpus: [], code, message }],
        },
      ],
    });
    await panel.send(notice('silent-device', 'the driver has not answered for 5 s.'));
    expect(await panel.page.locator('.notice-failed').textContent()).toBe(
      'gpu-01: the driver has not answered for 5 s.',
    );
    await panel.send(notice('device-back', 'the driver answers again'));
    expect(await panel.page.locator('.notice-failed').count()).toBe(0);
    await panel.close();
  });

  it('greys what a lost host said last, and claims nothing of now', async () => {
    const panel = await open();
    await panel.send({
      type: 'delta',
      hosts: [{ ...hostState, connection: 'stale', message: 'Lost.', lines: [] }],
    });
    expect(await panel.page.locator('.headline').textContent()).toContain('is not known');
    expect(await panel.page.locator('.tile.stale').count()).toBe(2);
    await panel.close();
  });

  it('says what went wrong with a host, and shows the others', async () => {
    const panel = await open();
    await panel.send({
      type: 'delta',
      hosts: [
        { ...hostState, host: 'gpu-02', connection: 'failed', message: 'no python3 was found.', lines: [] },
      ],
    });
    expect(await panel.page.locator('.notice-failed').textContent()).toBe(
      'gpu-02 failed. no python3 was found.',
    );
    expect(await panel.page.locator('.tile').count()).toBe(2);
    await panel.send({
      type: 'delta',
      hosts: [{ ...hostState, connection: 'stale', message: 'The connection was lost.', lines: [] }],
    });
    expect(await panel.page.locator('.notices').textContent()).toContain(
      'gpu-01 sends nothing. The connection was lost.',
    );
    expect(await panel.page.locator('.figures').getAttribute('class')).toContain('stale');
    await panel.close();
  });

  it('records a host, ends it, and starts a host again that has ended', async () => {
    const panel = await open(1);
    const press = async (name: string) => {
      await panel.page.getByRole('button', { name }).click();
      return (await panel.posted()).at(-1);
    };
    expect(await press('Record gpu-01')).toEqual({ type: 'record', host: 'gpu-01' });
    const recordingFile = '/home/me/.loadline/telemetry/now-gpu-01.jsonl';
    await panel.send({ type: 'delta', hosts: [{ ...hostState, recordingFile, lines: [] }] });
    expect(await press('Stop recording gpu-01')).toEqual({ type: 'record', host: 'gpu-01' });
    await panel.send({
      type: 'delta',
      hosts: [{ ...hostState, connection: 'failed', message: 'x', lines: [] }],
    });
    expect(await press('Start sampling gpu-01')).toEqual({ type: 'start', host: 'gpu-01' });
    expect(await press('Save all samples as CSV')).toEqual({ type: 'export' });
    await panel.close();
  });

  it('stops the sampling of a host', async () => {
    const panel = await open();
    await panel.page.getByRole('button', { name: 'Stop sampling gpu-01' }).click();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'stop', host: 'gpu-01' });
    await panel.close();
  });

  it('says where to start when no host is sampled', async () => {
    const panel = await browser.open('telemetry', [{ ...telemetrySnapshot(1), hosts: [] }]);
    expect(await panel.page.locator('.empty').textContent()).toContain('GPU Hosts view');
    await panel.close();
  });
});
