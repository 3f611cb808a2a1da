import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeHub } from '../unit/storage/fakeHub.ts';
import { BuiltCli, root } from './builtCli.ts';

let cli: BuiltCli;
let hub: FakeHub;
beforeAll(async () => {
  cli = await BuiltCli.build();
  hub = await FakeHub.start();
});
afterAll(() => hub.stop());

const config = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
  max_position_embeddings: 128,
};

function written(name: string, content: string | Uint8Array): string {
  const path = join(cli.folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return name;
}

/** A model's folder with this config.json; gives its name. */
function modelFolder(name: string, content: unknown): string {
  written(join(name, 'config.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

/** A sparse file: it has a length and takes no room. */
function ofLength(name: string, bytes: number): string {
  written(name, '');
  truncateSync(join(cli.folder, name), bytes);
  return name;
}

/** Runs it to its end; whatever it was given, it must not have failed by a mistake of its own. */
async function run(...argv: readonly string[]) {
  const finished = await cli.run(argv);
  const said = finished.stdout + finished.stderr;
  expect(said).not.toMatch(/^ +at .+:\d+:\d+\)?$/m);
  expect(said).not.toContain('loadline failed');
  expect(said).not.toMatch(/\bNaN\b(?! ?["}])|\bInfinity\b|\[object |undefined/);
  expect([0, 1, 2]).toContain(finished.exitCode);
  return finished;
}

const fitModel = (model: string) => run('fit', '--model', model, '--gpu', 'h100');

describe('a document', () => {
  it('that is torn is said at its line, and what is whole in it is still judged', async () => {
    const file = written(
      'docker-compose.yaml',
      [
        '# loadline: gpu=h100',
        'services:',
        '  llm:',
        '    image: vllm/vllm-openai:v0.26.0',
        '    command: ["--model", "gpt2", "--max-model-len", "1024"',
        '  other:',
        '',
      ].join('\n'),
    );
    const { exitCode, stdout, stderr } = await run('fit', file);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^docker-compose\.yaml:5:58: .+ \[yaml\.torn\]$/m);
    expect(stdout).toContain('at 1,024 tokens');
  });

  it('with a template in place of a value is not known, and says which', async () => {
    const file = written(
      'values.yaml',
      '# loadline: gpu=h100\nimage: vllm/vllm-openai:v0.26.0\nargs: ["--model", "gpt2", "--max-model-len", "{{ .Values.n }}"]\n',
    );
    const { exitCode, stdout } = await run('fit', file);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('? not known: --max-model-len is "{{ .Values.n }}"');
  });

  it('with a flag twice takes the last one, as the engine does, and marks the first', async () => {
    const file = written(
      'twice.sh',
      '# loadline: gpu=h100\nvllm serve gpt2 --max-model-len 1024 --max-model-len 512\n',
    );
    const { exitCode, stdout, stderr } = await run('fit', file);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('at 512 tokens');
    expect(stderr).toMatch(
      /^warning: twice\.sh:2:17: .*\[flag\.duplicate\]$|^twice\.sh:2:17: .*\[flag\.duplicate\]$/m,
    );
  });

  it('with units behind its numbers says for each what it takes', async () => {
    const file = written(
      'units.sh',
      '# loadline: gpu=h100\nvllm serve gpt2 --max-model-len 8kb --gpu-memory-utilization 90% --kv-cache-memory-bytes 4GiB\n',
    );
    const { exitCode, stdout, stderr } = await run('fit', file);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('? not known');
    expect(stderr).toMatch(/^units\.sh:2:33: .*such as 8192, 8k.*"8kb"\. \[flag\.not-a-number\]$/m);
    expect(stderr).toMatch(/^units\.sh:2:62: .*"90%"/m);
    expect(stderr).toMatch(/^units\.sh:2:90: .*"4GiB"/m);
  });

  it('that nobody wrote is said to be none', async () => {
    execFileSync('mkfifo', [join(cli.folder, 'pipe.yaml')]);
    mkdirSync(join(cli.folder, 'folder.yaml'));
    symlinkSync('circle.yaml', join(cli.folder, 'circle.yaml'));
    const noise = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919 + (index >> 3)) % 256);
    const files: readonly (readonly [string, RegExp])[] = [
      ['pipe.yaml', /^pipe\.yaml: this is no file/],
      ['folder.yaml', /^folder\.yaml: this is a folder: name a file in it/],
      ['circle.yaml', /^circle\.yaml: its symbolic links go in a circle/],
      [ofLength('huge.yaml', 200 * 1024 ** 2), /^huge\.yaml: 200 MiB is more than/],
      [written('noise.yaml', noise), /^noise\.yaml: no deployment was found in it/],
      [written('empty.yaml', ''), /^empty\.yaml: no deployment was found in it/],
    ];
    for (const [file, message] of files) {
      const { exitCode, stdout, stderr } = await run('fit', file);
      expect(stderr).toMatch(message);
      expect([exitCode, stdout]).toEqual([2, '']);
    }
  });

  it('whose indentation is wrong is said to be no YAML, with the place', async () => {
    const file = written('indented.yaml', 'model: gpt2\n  max-model-len: 1024\n');
    const { exitCode, stderr } = await run('fit', file, '--gpu', 'h100');
    expect(stderr).toMatch(/^indented\.yaml:1:\d+: .*is the indentation right.*\[yaml\.torn\]$/m);
    expect(exitCode).toBe(2);
  });

  it('that is a sweep plan is said to be one, with the command that reads it', async () => {
    const { exitCode, stderr } = await run('fit', written('chat.sweep.yaml', 'name: chat\n'));
    expect(stderr).toMatch(/this is a sweep plan.*`loadline sweep --dry-run chat\.sweep\.yaml`/);
    expect(exitCode).toBe(2);
  });

  it('that names a GPU or a model nobody knows says so once, at its place', async () => {
    const gpu = await run('fit', written('gpu.yaml', '# loadline: gpu=h900\nmodel: gpt2\n'));
    expect(gpu.stderr).toMatch(/^gpu\.yaml:1:13: .*"h900" is not known.*\[gpu\.unknown\]\n$/);
    const model = await run('fit', written('model.yaml', '# loadline: gpu=h100\nmodel: acme/none\n'));
    expect(model.stderr).toMatch(
      /no config\.json was found at \S+\/acme\/none\. .* --hub asks the model hub/,
    );
    expect(model.stderr.match(/\/acme\/none/g)).toHaveLength(1);
  });

  it('whose anchors multiply, or that is nested without end, comes to an end', async () => {
    const laughs = Array.from({ length: 12 }, (_, level) =>
      level === 0 ? 'a0: &a0 [x, x, x]' : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}]`,
    );
    const bomb = written(
      'bomb.compose.yaml',
      `services:\n  llm:\n    image: vllm/vllm-openai\n${laughs.join('\n')}\n`,
    );
    const deep = written('deep.serve.yaml', `model: gpt2\nmax-model-len: ${'['.repeat(20_000)}\n`);
    for (const file of [bomb, deep]) expect((await run('fit', file, '--gpu', 'h100')).exitCode).toBe(2);
  });
});

describe('a config.json', () => {
  it.each<readonly [string, unknown, RegExp]>([
    ['1e308 layers', { ...config, num_hidden_layers: 1e308 }, /"num_hidden_layers".*whole number from 1/],
    [
      'no number',
      '{"model_type": "llama", "hidden_size": NaN}',
      /config\.json is not JSON: .*write it again/,
    ],
    ['negative', { ...config, hidden_size: -64 }, /"hidden_size" of config\.json must be a whole number/],
    ['a text', { ...config, vocab_size: 'many' }, /"vocab_size" of config\.json must be/],
    ['a field short', { ...config, num_hidden_layers: undefined }, /has no "num_hidden_layers"/],
    ['torn', JSON.stringify(config).slice(0, 60), /is not JSON/],
    ['empty', '', /is not JSON/],
    ['a list', '[1, 2]', /is not a JSON object/],
  ])('with %s is refused by the name of what is wrong', async (name, content, message) => {
    const { exitCode, stdout, stderr } = await fitModel(modelFolder(name.replaceAll(' ', '-'), content));
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^--model: /);
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  it('with keys of a prototype counts what it would without them', async () => {
    const plain = await fitModel(modelFolder('plain', config));
    const text = JSON.stringify(config).replace(
      '{',
      '{"__proto__": {"hidden_size": 9}, "constructor": 1, "toString": 2, ',
    );
    const hostile = await fitModel(modelFolder('proto', text));
    expect(plain.exitCode).toBe(0);
    const parameters = /\(([\d,]+) parameters\)/;
    expect(parameters.exec(hostile.stdout)?.[1]).toBe(parameters.exec(plain.stdout)?.[1]);
    expect((await fitModel(modelFolder('family', { model_type: '__proto__' }))).stdout).toContain(
      '? not known',
    );
  });

  it('of 200 MB, in a circle of links, or that is a pipe is not read', async () => {
    ofLength('large/config.json', 200 * 1024 ** 2);
    mkdirSync(join(cli.folder, 'linked'));
    symlinkSync('other.json', join(cli.folder, 'linked', 'config.json'));
    symlinkSync('config.json', join(cli.folder, 'linked', 'other.json'));
    mkdirSync(join(cli.folder, 'piped'));
    execFileSync('mkfifo', [join(cli.folder, 'piped', 'config.json')]);
    const models = [
      ['large', 'is larger than 16 MiB'],
      ['linked', 'its symbolic links go in a circle'],
      ['piped', 'is neither a file nor a folder'],
      ['/dev/zero', 'is neither a file nor a folder'],
    ] as const;
    for (const [model, message] of models) {
      const { exitCode, stderr } = await fitModel(model);
      expect(stderr).toContain(message);
      expect(exitCode).toBe(2);
    }
  });

  it('that may not be read is said to be so', async () => {
    modelFolder('locked', '{}');
    chmodSync(join(cli.folder, 'locked'), 0o000);
    const { exitCode, stderr } = await fitModel('locked');
    chmodSync(join(cli.folder, 'locked'), 0o700);
    expect(exitCode).toBe(2);
    // Root may read everything: then the content is the problem.
    expect(stderr).toContain(process.getuid?.() === 0 ? 'model_type' : 'permission is denied');
  });

  it('beside a safetensors header that claims 2 GB stands without it, with a warning', async () => {
    modelFolder('claims', config);
    const header = Buffer.alloc(64);
    header.writeBigUInt64LE(2n * 1024n ** 3n);
    written('claims/model.safetensors', header);
    const { exitCode, stdout, stderr } = await fitModel('claims');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('counted from config.json');
    expect(stderr).toMatch(/model\.safetensors.*\[checkpoint\./);
  });
});

describe('a model of the hub', () => {
  const asked = (endpoint: string) =>
    run('fit', '--model', 'no-such/model', '--gpu', 'h100', '--hub', '--endpoint', endpoint);

  it('that does not exist is said to be unknown there', async () => {
    const { exitCode, stderr } = await asked(hub.endpoint);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^--model: .*no-such\/model/);
  });

  it('without a network says so, and what to do', async () => {
    const { exitCode, stderr } = await asked('http://127.0.0.1:9');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/cannot be reached.*name a folder with its config\.json/);
  });
});

describe('a place', () => {
  it('that cannot be written to, or is gone, is said to be so', () => {
    const program = JSON.stringify(cli.program);
    const shell = (command: string) =>
      spawnSync('sh', ['-c', command], {
        cwd: cli.folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const full = shell(`node ${program} help > /dev/full`);
    expect([full.status, full.stderr]).toEqual([
      3,
      expect.stringMatching(/^Cannot write the output: no space/),
    ]);
    const gone = shell(`mkdir leaving && cd leaving && rmdir ../leaving && node ${program} help`);
    expect([gone.status, gone.stderr]).toEqual([
      2,
      expect.stringMatching(/^The current folder is not there/),
    ]);
  });
});

describe('options', () => {
  it.each([
    ['--set', 'max-model-len=1e308'],
    ['--set', 'gpu-memory-utilization=NaN'],
    ['--set', '=3'],
    ['--batch', '1e308'],
    ['--input', '-1'],
    ['--weights-bytes=-5'],
    ['--cuda-total-bytes', '80GB'],
    ['--gpu-count', '99999999999999999999'],
    ['--gpu', '__proto__'],
    ['--engine', 'constructor'],
    ['--entrypoint', 'toString'],
  ])('%s %s is refused by its name', async (...words) => {
    const option = words[0]?.split('=')[0] ?? '';
    const { exitCode, stdout, stderr } = await run('fit', '--model', 'gpt2', '--gpu', 'h100', ...words);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(option);
  });

  it.each([
    ['watch --seconds -1', /^loadline watch: --seconds takes a value\. .*--seconds=-…\.$/m],
    ['fit --model', /^loadline fit: --model takes a value/],
    ['report --output', /^loadline report: --output takes a value/],
    ['load http://127.0.0.1:1 --api-key x', /no option --api-key\. Did you mean --api-key-file\?/],
    ['watch --host=', /no option --host/],
    ['follow --host=', /^--host: its value is empty\.$/m],
    ['report --workspace /proc/none', /^--workspace: there is no folder \/proc\/none\.$/m],
    ['watch bad;host --seconds 1', /'bad;host' is not a host/],
  ])('of "%s" are said in plain words', async (line, words) => {
    const { exitCode, stdout, stderr } = await run(...line.split(' '));
    expect(stderr).toMatch(words);
    expect([exitCode, stdout]).toEqual([2, '']);
  });

  it('that are absurd and well formed give numbers that are numbers', async () => {
    const most = String(Number.MAX_SAFE_INTEGER);
    const { stdout } = await run(
      ...['fit', '--json', '--model', 'gpt2', '--gpu', 'h100', '--batch', most, '--input', most],
      ...['--output', most, '--weights-bytes', most, '--cuda-total-bytes', most, '--gpu-count', most],
    );
    // JSON writes null for what is no number.
    const numbers = JSON.stringify(JSON.parse(stdout).deployments[0], (key, value) =>
      key === 'resolved' ? undefined : value,
    );
    expect(numbers).not.toContain(':null');
  });
});

describe('a start-up log', () => {
  const folder = join(root, 'test', 'fixtures', 'logs');

  it('cut anywhere says what its whole lines say, and never a number that was cut', async () => {
    const [cut, wholeLines]: [string[], string[]] = [[], []];
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.log'))) {
      const bytes = readFileSync(join(folder, name));
      for (let part = 1; part <= 24; part++) {
        const end = Math.floor((part * bytes.length) / 24) - 1;
        cut.push(written(`cuts/${name}.${part}`, bytes.subarray(0, end)));
        wholeLines.push(
          written(`lines/${name}.${part}`, bytes.subarray(0, bytes.lastIndexOf('\n', end) + 1)),
        );
      }
    }
    const read = async (files: readonly string[]) => {
      const { exitCode, stdout } = await run('log', '--json', ...files);
      expect(exitCode).toBe(0);
      return JSON.parse(stdout) as Record<string, unknown>[];
    };
    const names = readdirSync(folder).map((name) => join(folder, name));
    const [cutStarts, lineStarts, finished] = await Promise.all([read(cut), read(wholeLines), read(names)]);
    expect(cutStarts.length).toBeGreaterThan(cut.length / 2);
    for (const record of cutStarts) {
      const file = String(record['file']).replace(/^cuts\//, '');
      const same = [
        ...lineStarts.filter((start) => start['file'] === `lines/${file}`),
        ...finished.filter((start) => String(start['file']).endsWith(file.replace(/\.\d+$/, ''))),
      ];
      for (const figure of [
        'weightsBytes',
        'availableKvBytes',
        'kvTokens',
        'maxConcurrency',
        'maxModelLen',
      ]) {
        expect([null, ...same.map((start) => start[figure])], `${file}: ${figure}`).toContainEqual(
          record[figure],
        );
      }
    }
  });

  it('of something else, or of nothing, has no start in it', async () => {
    const files = [written('nothing.log', ''), ofLength('zeros.log', 50 * 1024 ** 2)];
    const { exitCode, stdout, stderr } = await run('log', '--json', ...files);
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, []]);
    expect(stderr).toContain('no start of an engine was found');
  });
});
