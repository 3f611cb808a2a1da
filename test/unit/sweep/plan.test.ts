import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findEngine } from '../../../src/core/engine/engines.ts';
import { planJsonSchema } from '../../../src/core/sweep/planSchema.ts';
import { isSecretName } from '../../../src/core/sweep/planSecrets.ts';
import { lineColumn } from '../../../src/text/lineColumn.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { chatPlan, mustBe } from './plans.ts';

/** Problems as a compiler prints them, the message cut to its first words. */
function problemsOf(text: string): string[] {
  return parseSweepPlan(text).problems.map(({ code, range }) => {
    const { line, column } = lineColumn(text, range.start);
    return `${line}:${column} ${code} ${JSON.stringify(text.slice(range.start, range.end))}`;
  });
}

const messagesOf = (text: string) => parseSweepPlan(text).problems.map(({ message }) => message);

describe('a sweep plan', () => {
  it('has its defaults filled in', () => {
    const plan = mustBe(parseSweepPlan(chatPlan).result);
    expect(plan).toMatchObject({
      name: 'chat-test',
      gpuCount: 1,
      repeats: 1,
      predictedNotToFit: 'skip',
      telemetry: { intervalMs: 1000 },
      stop: { unfollowedHours: 24 },
      load: [{ profile: 'closed-loop', api: 'completions', seed: 1, input: { mean: 200, deviation: 40 } }],
    });
  });

  it('has its problems at their keys', () => {
    const text = chatPlan
      .replace('question: chat', 'qeustion: chat')
      .replace('requests: 140', 'requests: many');
    expect(problemsOf(text)).toEqual(['2:1 plan.unknown-key "qeustion"', '12:5 plan.bad-value "requests"']);
    expect(parseSweepPlan(text).problems[0]?.message).toContain('did you mean "question"?');
  });

  it.each([
    ['hosts: [this-machine]', 'hosts: this-machine', 'hosts: expected a list, not a text.'],
    ['requests: 140', 'requests: many', 'load[0].requests: expected a number, not a text.'],
    ['requests: 140', 'requests: 0', 'load[0].requests: expected at least 1.'],
    ['requests: 140', 'requests: 1.5', 'load[0].requests: expected a whole number, not 1.5.'],
    ['hosts: [this-machine]', 'hosts: []', 'hosts: expected at least 1 in the list.'],
    [
      'question: chat',
      'question: chatt',
      'question: expected memory-limit, cost, chat, batch-parallel, mps; did you mean "chat"?',
    ],
    ['question: chat', 'SLO: {}', '"SLO" is not a key of a plan; did you mean "slo"?'],
    [
      'concurrency: [1, 2, 4]',
      'requestsPerSecond: 4',
      '"requestsPerSecond" of load[0] needs "profile: open-loop" beside it.',
    ],
  ])('says in plain words what is wrong where %s becomes %s', (before, after, message) => {
    expect(chatPlan).toContain(before);
    expect(messagesOf(chatPlan.replace(before, after))).toEqual([message]);
  });

  it('is a list of keys, and a text is none', () => {
    expect(messagesOf('just a text')).toEqual(['the plan: expected keys with values, not a text.']);
  });

  it.each([
    ['question: chat', ' question: chat', /is the indentation right\?/],
    ['question: chat', 'question chat', /is a colon missing/],
  ])('that is no YAML, as %s became "%s", says what to look for', (before, after, words) => {
    expect(messagesOf(chatPlan.replace(before, after))[0]).toMatch(words);
  });

  it('warns of loads that are too short for the percentile that its service level asks for', () => {
    const short = chatPlan.replace('requests: 140', 'requests: 40');
    expect(parseSweepPlan(short).warnings).toMatchObject([
      { code: 'plan.too-few-requests', message: expect.stringMatching(/^40 requests certify no p95.*130/) },
    ]);
    expect(
      parseSweepPlan(short.replace(/slo:[\s\S]*/, 'slo: { perQueryTokensPerSecond: 10 }\n')).warnings,
    ).toEqual([]);
    expect(parseSweepPlan(chatPlan).warnings).toEqual([]);
  });

  it('says which key of a nested form is unknown or missing', () => {
    expect(problemsOf(chatPlan.replace('deviation: 40', 'stdev: 40'))).toEqual([
      '13:5 plan.missing-key "input"',
      '13:25 plan.unknown-key "stdev"',
    ]);
    expect(problemsOf(chatPlan.replace('model: meta-llama/Llama-3.2-1B-Instruct\n', ''))).toEqual([
      '1:1 plan.missing-key "name: chat-test"',
    ]);
  });

  it('takes no length that no model has a context for', () => {
    for (const [written, value] of [
      ['{ mean: 200, deviation: 40 }', '1e9'],
      ['mean: 200', 'mean: 1e9'],
      ['deviation: 40', 'deviation: 1e300'],
    ] as const) {
      const { problems } = parseSweepPlan(chatPlan.replace(written, value));
      expect(problems).toMatchObject([
        { code: 'plan.bad-value', message: expect.stringContaining('at most 1048576 tokens') },
      ]);
    }
  });

  it('asks for quotes where YAML would take a version for a number', () => {
    const [problem] = parseSweepPlan(chatPlan.replace('"0.26.0"', '0.26')).problems;
    expect(problem?.message).toContain('in quotes');
  });

  it('takes for a scheduler what Slurm has names for, and nothing that a shell or sbatch could read otherwise', () => {
    const scheduled = (fields: string) => `${chatPlan}scheduler: { type: slurm, ${fields} }\n`;
    const good =
      'partition: "gpu,long-2", gres: "gpu:h100:2", time: "1-02:30:00", account: lab_7, arrayLimit: 3';
    expect(parseSweepPlan(scheduled(good)).result).toMatchObject({ ok: true });
    for (const key of ['partition', 'gres', 'time', 'account'])
      for (const value of [
        'a;touch x',
        '$(id)',
        '`id`',
        '-rf',
        '--wrap=id',
        '%j',
        'a b',
        'a\\nb',
        'a\\n',
        '#SBATCH',
        '',
      ])
        expect(parseSweepPlan(scheduled(`${key}: "${value}"`)).problems, `${key} ${value}`).toMatchObject([
          { code: 'plan.bad-value', path: ['scheduler', key] },
        ]);
    expect(problemsOf(scheduled('time: 60'))).toHaveLength(1);
  });

  it('takes for an environment what a process can be given, and nothing that would change GPUs behind the run', () => {
    const withVariable = (name: string, value = 'x') =>
      problemsOf(
        chatPlan.replace(
          '{ name: vllm',
          `{ name: vllm, environment: { ${JSON.stringify(name)}: "${value}" }`,
        ),
      );
    expect(withVariable('VLLM_USE_V1', '$(id)\\n--x')).toEqual([]);
    for (const name of ['', 'A=B; id', '--rm', 'a b', '1A'])
      expect(withVariable(name), name).toEqual([expect.stringContaining('plan.bad-value')]);
    for (const name of [
      'CUDA_VISIBLE_DEVICES',
      'NVIDIA_VISIBLE_DEVICES',
      'CUDA_MPS_PIPE_DIRECTORY',
      'LOADLINE_RUN',
    ])
      expect(withVariable(name), name).toEqual([expect.stringContaining('plan.bad-value')]);
  });

  it('says where a text is that no process can be given, or that would hide what is started', () => {
    for (const text of ['a\\0b', '\\uD800', 'a\\uDC00', '\\e[2K', 'a\\u202Eb', '\\u009b'])
      for (const [written, path] of [
        ['meta-llama/Llama-3.2-1B-Instruct', ['model']],
        ['"0.26.0"', ['engine', 'version']],
        ['4096', ['deployment', 'flags', 'max-model-len']],
      ] as const) {
        const { problems } = parseSweepPlan(chatPlan.replace(written, `"${text}"`));
        expect(problems, text).toMatchObject([{ code: 'plan.bad-value', path }]);
      }
    expect(problemsOf(chatPlan.replace('4096', '"\\U0001F600\\n\\tä"'))).toEqual([]);
  });

  it('comes to an end with aliases that stand in themselves', () => {
    for (const [key, value] of [
      ['hosts', '&a [*a]'],
      ['exclude', '&a [{ x: *a }]'],
      ['matrix', '&a { x: *a }'],
      ['load', '&a [*a]'],
      ['engine', '&a { name: *a }'],
      ['deployment', '&a { flags: *a }'],
    ] as const)
      expect(
        problemsOf(`${chatPlan.replace(new RegExp(`^${key}:.*\\n( .*\\n)*`, 'm'), '')}${key}: ${value}\n`),
      ).not.toEqual([]);
  });

  it('leaves to the agent what would take a container out of its hands', () => {
    const withArguments = (...words: string[]) =>
      problemsOf(
        chatPlan.replace(
          '{ name: vllm',
          `{ name: vllm, launch: { container: { runtime: docker, image: i, arguments: ${JSON.stringify(words)} } }`,
        ),
      );
    expect(withArguments('--shm-size', '16g', '-v/data:/Pd', '-e', 'A=B', '--network=host', '-it')).toEqual(
      [],
    );
    for (const words of [
      ['-d'],
      ['-itd'],
      ['--detach=true'],
      ['--name', 'mine'],
      ['--restart=always'],
      ['-p', '0.0.0.0:80:80'],
      ['-P'],
      ['--gpus', 'all'],
      ['-e', 'CUDA_VISIBLE_DEVICES=3'],
      ['--env=NVIDIA_VISIBLE_DEVICES=all'],
    ])
      expect(withArguments(...words), words.join(' ')).toEqual([expect.stringContaining('plan.bad-value')]);
  });

  it('refuses a host that is named twice and an engine that is none', () => {
    expect(problemsOf(chatPlan.replace('[this-machine]', '[a, a]'))).toContain('3:12 plan.bad-value "a"');
    expect(problemsOf(chatPlan.replace('name: vllm', 'name: vlm'))).toEqual(['5:11 plan.bad-value "name"']);
  });

  it('knows flags by every spelling, and refuses those that the agent sets itself', () => {
    const spelled = mustBe(parseSweepPlan(chatPlan.replace('max-model-len', '--max_model_len')).result);
    expect(spelled.deployment.flags).toEqual({ 'max-model-len': 4096 });
    expect(problemsOf(chatPlan.replace('max-model-len: 4096', 'api-key: secret'))).toEqual([
      '9:5 plan.own-flag "api-key"',
    ]);
    const twice = chatPlan.replace('load:', 'matrix: { max_model_len: [1024, 2048] }\nload:');
    expect(problemsOf(twice)).toEqual(['10:11 plan.duplicate-flag "max_model_len"']);
  });

  it.each([
    'uds',
    'ssl-keyfile',
    'ssl_certfile',
    'enable-ssl-refresh',
    'headless',
    'config',
    'api-ke',
    '--por',
    'h',
    'no-headless',
  ])('refuses %s, which the agent sets itself or cannot do with', (name) => {
    expect(problemsOf(chatPlan.replace('max-model-len', name))).toEqual([
      `9:5 plan.own-flag ${JSON.stringify(name)}`,
    ]);
  });

  it.each([
    ['a flag', 'max-model-len: 4096', 'hf_token: hf_abc', '9:5 plan.secret "hf_token"'],
    ['a varied flag', 'load:', 'matrix: { hf-token: [hf_abc] }\nload:', '10:11 plan.secret "hf-token"'],
    [
      'the environment',
      '"0.26.0"',
      '"0.26.0", environment: { HF_TOKEN: hf_abc }',
      '5:57 plan.secret "HF_TOKEN"',
    ],
    [
      'the command',
      '"0.26.0"',
      '"0.26.0", launch: { command: [vllm, serve, --api-key, hf_abc] }',
      '5:75 plan.secret "--api-key"',
    ],
    [
      'a word of the command',
      '"0.26.0"',
      '"0.26.0", launch: { command: [env, HF_TOKEN=hf_abc, vllm, serve] }',
      '5:67 plan.secret "HF_TOKEN=hf_abc"',
    ],
  ])('takes no secret in %s, and does not repeat it', (_, written, secret, problem) => {
    const text = chatPlan.replace(written, secret);
    expect(problemsOf(text)).toEqual([problem]);
    expect(parseSweepPlan(text).problems[0]?.message).not.toContain('hf_abc');
  });

  it('takes no key of a provider, wherever it stands: comments are copied too', () => {
    const key = `hf_${'aBcD'.repeat(9)}`;
    for (const text of [`${chatPlan}# ${key}\n`, chatPlan.replace('name: chat-test', `name: ${key}`)]) {
      const { problems } = parseSweepPlan(text);
      expect(problems).toMatchObject([{ code: 'plan.secret' }]);
      expect(problems[0]?.message).not.toContain(key);
      expect(text.slice(problems[0]?.range.start, problems[0]?.range.end)).toBe(key);
    }
  });

  it('takes no other name for a secret', () => {
    const known = (findEngine('vllm')?.flags ?? [])
      .filter(({ kind }) => kind !== 'switch')
      .map(({ name }) => name);
    expect(known.filter(isSecretName).sort()).toEqual(['api-key', 'hf-token']);
    for (const name of [
      'TOKENIZERS_PARALLELISM',
      'HF_TOKEN_PATH',
      'VLLM_MAX_TOKENS_PER_EXPERT',
      'MONKEY',
      'HF_HOME',
    ])
      expect(isSecretName(name)).toBe(false);
    for (const name of [
      'HUGGING_FACE_HUB_TOKEN',
      'AWS_SECRET_ACCESS_KEY',
      'PGPASSWORD',
      'OPENAI_APIKEY',
      'TOKEN_2',
      'CREDENTIALS',
    ])
      expect(isSecretName(name)).toBe(true);
    // The switch alone says: use what is stored on the host.
    expect(parseSweepPlan(chatPlan.replace('max-model-len: 4096', 'hf-token: true')).result.ok).toBe(true);
    const command = '"0.26.0", launch: { command: [vllm, serve, --hf-token, --max-num-batched-tokens=8192] }';
    expect(parseSweepPlan(chatPlan.replace('"0.26.0"', command)).result.ok).toBe(true);
  });

  it('takes names that every object has for what they are: unknown flags', () => {
    const { result, warnings } = parseSweepPlan(
      chatPlan
        .replace('max-model-len: 4096', 'constructor: 1')
        .replace('load:', 'matrix: { toString: [1] }\nload:'),
    );
    expect(warnings.map(({ code }) => code)).toEqual(['plan.unknown-flag', 'plan.unknown-flag']);
    expect(mustBe(result)).toMatchObject({
      deployment: { flags: { constructor: 1 } },
      matrix: { toString: [1] },
    });
  });

  it('does not take a flag for one of those for having its beginning', () => {
    for (const name of ['hf-overrides', 'model-impl', 'host-pool'])
      expect(parseSweepPlan(chatPlan.replace('max-model-len', name)).result.ok).toBe(true);
  });

  it.each(['port=1', '"--x y"', '"1st"', '"-"', '__proto__x'])('takes %s for no name of a flag', (name) => {
    expect(parseSweepPlan(chatPlan.replace('max-model-len', name)).problems).toMatchObject([
      { code: 'plan.bad-flag' },
    ]);
  });

  it('does not take a switch that is turned off for one that is turned on', () => {
    const text = chatPlan.replace('max-model-len: 4096', 'no_enable_prefix_caching: true');
    expect(problemsOf(text)).toEqual(['9:5 plan.bad-flag "no_enable_prefix_caching"']);
    expect(parseSweepPlan(text).problems[0]?.message).toContain('write enable-prefix-caching');
  });

  it('takes no model and no item of a list that an engine would take for a flag', () => {
    expect(problemsOf(chatPlan.replace('meta-llama/Llama-3.2-1B-Instruct', '--trust-remote-code'))).toEqual([
      '6:1 plan.bad-value "model"',
    ]);
    const listed = parseSweepPlan(
      chatPlan.replace('max-model-len: 4096', 'served-model-name: [a, --api-key]'),
    );
    expect(listed.problems).toMatchObject([
      { code: 'plan.bad-value', message: expect.stringContaining('does not begin with a dash') },
    ]);
    const varied = parseSweepPlan(
      chatPlan.replace('load:', 'matrix: { middleware: [[a, --api-key], [b]] }\nload:'),
    );
    expect(varied.problems).toMatchObject([{ code: 'plan.bad-value' }]);
    expect(parseSweepPlan(chatPlan.replace('4096', '"-1"')).result.ok).toBe(true);
  });

  it('warns of a flag that it does not know, and hands it on', () => {
    const { result, warnings } = parseSweepPlan(chatPlan.replace('max-model-len', 'max-modle-len'));
    expect(warnings).toMatchObject([
      { code: 'plan.unknown-flag', message: expect.stringContaining('max-model-len') },
    ]);
    expect(mustBe(result).deployment.flags).toEqual({ 'max-modle-len': 4096 });
  });

  it('that asks the chat question without a service level is told so', () => {
    const { warnings } = parseSweepPlan(chatPlan.replace(/^slo:.*$/m, ''));
    expect(warnings).toMatchObject([{ code: 'plan.no-slo' }]);
  });

  it.each([
    ['requestsPerSecond: 4', 'concurrency', 'profile: open-loop, requestsPerSecond: 4, concurrency: 2'],
    ['a rate without its profile', 'requestsPerSecond', 'requestsPerSecond: 4'],
    ['another profile', 'closed-loop, open-loop, trace or offline', 'profile: closed, concurrency: 2'],
    ['no level', 'concurrency is missing', 'requests: 10'],
    ['a shape without gamma', 'arrivals: gamma', 'profile: open-loop, requestsPerSecond: 1, burstiness: 2'],
    ['lengths the wrong way round', 'least is more than most', 'concurrency: 1', '{ least: 9, most: 8 }'],
    ['half a length', 'load[0].input.most', 'concurrency: 1', '{ least: 9 }'],
    ['a prefix without a rest', 'leaves nothing', 'concurrency: 1, sharedPrefix: { tokens: 9 }', '9'],
  ])('with a load that has %s is told: %s', (_, message, load, input = '8') => {
    const text = chatPlan.replace(/load:[\s\S]*slo/, `load: [{ ${load}, input: ${input}, output: 4 }]\nslo`);
    expect(messagesOf(text).join('\n')).toContain(message);
  });

  it.each([
    ['{ flag: max-model-len, goal: largest-that-starts }', 'needs candidates'],
    ['{ flag: max-num-seqs, goal: largest-that-starts, from: 1, to: 9000 }', 'too many'],
    ['{ flag: max-num-seqs, goal: knee, from: 9, to: 1 }', 'to must be more than from'],
    ['{ flag: max-num-seqs, goal: knee, from: 1, to: 9, values: [1, 2] }', 'not both'],
    ['{ flag: concurrency, goal: knee, from: 1, to: 9 }', 'leave it out here'],
    ['{ flag: requestsPerSecond, goal: knee, from: 1, to: 9 }', 'profile: open-loop'],
    ['{ flag: concurrency, goal: largest-that-starts, from: 1, to: 9 }', 'no load keeps'],
    ['{ flag: max-model-len, goal: knee, from: 1, to: 9 }', 'under deployment.flags as well'],
    ['{ flag: max-num-seqs, goal: largest-that-starts, from: 1, to: 9 }', 'one load with one level'],
  ])('with the search %s is told: %s', (search, message) => {
    expect(messagesOf(`${chatPlan}search: ${search}\n`).join('\n')).toContain(message);
  });

  it.each([
    ['{ apiKeyFile: /k }', 'apiKeyFile is of an endpoint'],
    ['{ healthPath: /h }', 'healthPath is of engine.name: command'],
    ['{ endpoint: "ftp://h" }', 'an endpoint is a URL'],
    ['{ endpoint: "http://u:p@h" }', 'looks like a secret'],
    ['{ endpoint: "http://h", command: [a] }', 'leave out command and container'],
    ['{ container: { runtime: docker, image: --privileged } }', 'does not begin with a dash'],
    ['{ container: { runtime: docker, image: a, arguments: [-e, HF_TOKEN=hf_x] } }', 'looks like a secret'],
  ])('launched by %s is told: %s', (launch, message) => {
    expect(messagesOf(chatPlan.replace('"0.26.0"', `"0.26.0", launch: ${launch}`)).join('\n')).toContain(
      message,
    );
  });

  it.each([
    ['engine: { name: command }', 'needs engine.launch.command'],
    [
      'engine: { name: vllm, arrangements: [{ copies: 1, sharing: time-slicing }] }',
      'shares its GPU with none',
    ],
    ['engine: { name: vllm, arrangements: [{ copies: 2, memoryGiB: 4 }] }', 'a limit of MPS'],
  ])('with %s is told: %s', (engine, message) => {
    expect(messagesOf(chatPlan.replace(/engine:.*/, engine)).join('\n')).toContain(message);
  });

  it('torn in the middle of a line says where, and only that', () => {
    const { problems } = parseSweepPlan(chatPlan.replace('{ mean: 200, deviation: 40 }', '{ mean: 200, dev'));
    expect(problems).toMatchObject([{ code: 'plan.torn' }]);
    const { line } = lineColumn(chatPlan, problems[0]?.range.start ?? 0);
    expect(line).toBeGreaterThanOrEqual(12);
  });

  it('that is nested too deeply is said to be', () => {
    const { problems } = parseSweepPlan(`name: ${'['.repeat(2000)}${']'.repeat(2000)}\n`);
    expect(problems).toMatchObject([
      { code: 'plan.torn', message: 'The plan cannot be read as YAML (it is nested too deeply).' },
    ]);
  });

  it('that is empty, or not a mapping, is no plan', () => {
    expect(problemsOf('')).toEqual(['1:1 plan.empty ""']);
    expect(problemsOf('- a\n')).toEqual(['1:1 plan.bad-value "- a"']);
  });

  it('never throws, cut anywhere or with a line lost', () => {
    fc.assert(
      fc.property(fc.nat(chatPlan.length), fc.nat(20), (at, line) => {
        const cut = chatPlan.slice(0, at);
        const without = chatPlan
          .split('\n')
          .filter((_, index) => index !== line)
          .join('\r\n');
        for (const text of [cut, without]) {
          const { result, problems } = parseSweepPlan(text);
          expect(problems.length > 0).toBe(!result.ok);
          for (const { range } of problems) {
            expect(range.start).toBeGreaterThanOrEqual(0);
            expect(range.end).toBeLessThanOrEqual(text.length);
          }
        }
      }),
    );
  });
});

it('the JSON Schema for editors is the one of the parser (node test/tools/schemas.mjs writes it)', () => {
  const file = fileURLToPath(new URL('../../../media/schemas/sweep.schema.json', import.meta.url));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
});
