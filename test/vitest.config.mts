import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** One project a suite; `test/run.mjs` names those that this machine can run. Time limits only end what hangs. */
const suite = (name: string, include: string[], more: Record<string, unknown> = {}) => ({
  root,
  test: { name, include, environment: 'node' as const, testTimeout: 120_000, hookTimeout: 240_000, ...more },
});

// Suites that start servers and browsers get one worker: two cores are all there may be.
const alone = { fileParallelism: false, testTimeout: 240_000 };

// A busy machine loses a key press or a frame of the browser now and then; CI tries such a test once more and reports it.
const drawn = { ...alone, retry: process.env['CI'] ? 1 : 0 };

export default defineConfig({
  root,
  test: {
    projects: [
      suite('unit', ['test/unit/**/*.test.ts']),
      suite('server', ['test/server/**/*.test.ts']),
      suite('remote', ['test/remote/**/*.test.ts'], alone),
      suite('durability', ['test/durability/**/*.test.ts'], { ...alone, testTimeout: 1_200_000 }),
      suite('cli', ['test/cli/**/*.test.ts'], alone),
      suite('slurm', ['test/slurm/**/*.test.ts'], alone),
      suite('webview', ['test/webview/**/*.test.ts'], drawn),
      suite('extension', ['test/extension/**/*.test.ts'], drawn),
      suite('e2e', ['test/e2e/**/*.test.ts'], drawn),
    ],
  },
});
