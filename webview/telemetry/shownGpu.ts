import type { ProbedGpu } from '../../src/protocol/agent.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
import type { TelemetryState } from './state.ts';

/** One GPU of one host. Its colour is its own in every chart, whichever others are shown. */
export interface ShownGpu {
  readonly key: string;
  readonly host: HostTelemetry;
  readonly index: number;
  readonly gpu: ProbedGpu;
  readonly colour: number;
  /** `GPU 0`, with the host in front where there are several. */
  readonly label: string;
}

export function allGpus(state: TelemetryState): readonly ShownGpu[] {
  const hosts = [...state.hosts.values()];
  return hosts
    .flatMap((host) => (host.header?.gpus ?? []).map((gpu, index) => ({ host, gpu, index })))
    .map(({ host, gpu, index }, colour) => ({
      key: `${host.state.host}/${gpu.index}`,
      host,
      index,
      gpu,
      colour,
      label: hosts.length > 1 ? `${host.state.host} GPU ${gpu.index}` : `GPU ${gpu.index}`,
    }));
}

/** More lines than this can't be told apart. */
const mostLines = 8;

/** What charts draw: each GPU, or of many the most of each host's. */
export function chartedGpus(gpus: readonly ShownGpu[]): readonly ShownGpu[] {
  if (gpus.length <= mostLines) return gpus;
  return [...new Set(gpus.map(({ host }) => host))].flatMap((host, colour): ShownGpu[] => {
    const own = gpus.filter((shown) => shown.host === host);
    const [first] = own;
    const all = host.header?.gpus.length ?? 0;
    if (first === undefined) return [];
    if (all < 2) return [{ ...first, colour }];
    return [
      {
        key: `${host.state.host}/most`,
        host,
        index: all,
        gpu: first.gpu,
        colour,
        label: `${host.state.host}, most of ${all} GPUs`,
      },
    ];
  });
}

/** `H200` of `NVIDIA H200`. */
export function shortName({ name }: ProbedGpu): string {
  return name.replace(/^NVIDIA\s+/, '');
}
