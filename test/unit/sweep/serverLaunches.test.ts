import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { findServerLaunch } from '../../../src/core/engine/serverLaunches.ts';
import { planEngines } from '../../../src/core/sweep/planSchema.ts';

const files: Readonly<Record<string, string>> = {
  'llama-cpp': 'llama_cpp',
  transformers: 'transformers_serve',
};

/** A plan is warned of an engine before it runs, the run again by the agent: they must say the same. A plain command is the user's own. */
it.each(planEngines.filter((name) => name !== 'command'))(
  '%s is as verified here as in the agent',
  (name) => {
    const launch = findServerLaunch(name);
    const file = `../../../src/agent/loadline_agent/engines/${files[name] ?? name}.py`;
    const source = readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8');
    expect(launch?.verified).toBe(!/^ {4}verified=None,$/m.test(source));
    const documented = /documentation="(https:[^"]+)"/.exec(source)?.[1];
    if (launch?.verified === false) expect(launch.documentation).toBe(documented);
  },
);
