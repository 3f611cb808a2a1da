import { describe, expect, it } from 'vitest';
import { findDeployments } from '../../../../src/text/deployments.ts';
import { targetEdit } from '../../../../src/text/edits.ts';
import { chooseTarget } from '../../../../src/text/target.ts';
import { estimateBlocker, unreadArguments } from '../../../../src/text/unresolved.ts';
import { sampleDocuments } from './documents.ts';
import { edited, only, places, read, slice } from './support.ts';

function sample(name: string): { path: string; text: string } {
  const found = sampleDocuments.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
}

function sampled(name: string) {
  const { path, text } = sample(name);
  return { text, path, found: only(text, path) };
}

/** `$` and braces, as Compose and shells write variables. */
const variable = (name: string): string => `$\{${name}}`;

const fallback = { gpu: 'l4', gpuCount: 1 };

describe('docker-compose', () => {
  it('reads a folded command with image tag, comment and reserved devices', () => {
    const { text, found } = sampled('compose: folded command');
    expect(found.deployment).toEqual({
      engine: 'vllm',
      engineVersion: '0.26.0',
      entrypoint: 'serve',
      model: 'org/m',
      flags: { 'max-model-len': 8192, 'gpu-memory-utilization': 0.9 },
    });
    expect(places(text, found)).toEqual({ 'max-model-len': '8192', 'gpu-memory-utilization': '0.9' });
    expect(found.target).toMatchObject({ gpu: 'h200', gpuCount: 2 });
    expect(slice(text, found.hint?.gpuCount?.range)).toBe('2');
    expect(slice(text, found.range)?.split('\n')[0]).toBe('llm:');
  });

  it('reads a list with merged keys, and variables of interest alone', () => {
    const { text, found } = sampled('compose: block list');
    expect(found.deployment).toMatchObject({
      engineVersion: '0.10.2',
      flags: { 'max-model-len': 8192, 'tensor-parallel-size': 2 },
      environment: { CUDA_VISIBLE_DEVICES: '0,1' },
    });
    expect(found.deployment.environment).not.toHaveProperty('HF_TOKEN');
    expect(found.hint?.gpuCount?.count).toBe(2);
    expect(slice(text, found.flags['max-model-len']?.key)).toBe('--max-model-len');
  });

  it('adds, changes and removes in the style of each list', () => {
    const block = sampled('compose: block list');
    expect(
      edited(block.text, block.found, { flag: 'max-num-seqs', to: 4 }, { flag: 'max-model-len', to: 16 }),
    ).toContain(
      '      - --max-model-len=16\n      - "--tensor-parallel-size"\n      - "2"\n      - "--max-num-seqs"\n      - "4"\n',
    );
    expect(edited(block.text, block.found, { flag: 'tensor-parallel-size', to: null })).toBe(
      block.text.replace('      - "--tensor-parallel-size"\n      - "2"\n', ''),
    );
    const flow = sampled('compose: flow list');
    expect(edited(flow.text, flow.found, { flag: 'enforce-eager', to: true })).toContain(
      '["--model", "org/m", "--max-num-seqs", "64", "--enforce-eager"]  # note',
    );
    const folded = sampled('compose: folded command');
    expect(edited(folded.text, folded.found, { flag: 'max-num-seqs', to: 4 })).toContain(
      '      --gpu-memory-utilization=0.9\n      --max-num-seqs 4\n    deploy:',
    );
  });

  it('edits the default of a variable where it stands', () => {
    const { text, found } = sampled('compose: plain string');
    expect(found.deployment.flags).toEqual({ 'max-model-len': 8192, 'served-model-name': 'a b' });
    expect(edited(text, found, { flag: 'max-model-len', to: 16 })).toBe(text.replace(':-8192', ':-16'));
  });

  it('does not know a variable without a default', () => {
    const text = `services:\n  a:\n    image: vllm/vllm-openai:v0.26.0\n    command: --model ${variable('MODEL')} --port 1\n`;
    expect(estimateBlocker(only(text, 'compose.yaml'))).toMatchObject({
      code: 'deployment.expanded-later',
      path: ['model'],
    });
  });

  it('makes a list where a service has none, and a comment above the service', () => {
    const text =
      'services:\n  a:\n    image: vllm/vllm-openai:v0.26.0\n    ports: ["1:1"]\n\n  b:\n    image: nginx\n';
    const found = only(text, 'compose.yaml');
    const added = edited(text, found, { flag: 'model', to: 'org/m' }, { flag: 'max-num-seqs', to: 4 });
    expect(only(added, 'compose.yaml').deployment).toMatchObject({
      model: 'org/m',
      flags: { 'max-num-seqs': 4 },
    });
    expect(added).toContain('    ports: ["1:1"]\n    command:\n      - "--model"\n');
    expect(targetEdit(text, found, { gpu: 'h200', gpuCount: 2 })).toEqual({
      range: { start: 10, end: 10 },
      newText: '  # loadline: gpu=h200 x2\n',
    });
  });

  it('reads every service, each with its own comment, and one that extends another', () => {
    const text = [
      '# loadline: gpu=l4',
      'services:',
      '  base:',
      '    image: vllm/vllm-openai:v0.26.0',
      '    environment: { VLLM_USE_V1: "1" }',
      '    command: [--model, org/a]',
      '  # loadline: gpu=h100 x4',
      '  b:',
      '    extends: base',
      '    command: [--model, org/b]',
      '  c:',
      '    extends: { file: other.yaml, service: x }',
      '    image: vllm/vllm-openai',
      '    command: [--model, org/c]',
    ].join('\n');
    const { deployments } = read(text, 'compose.yaml');
    expect(
      deployments.map(({ deployment, target }) => [deployment.model, target?.gpu, target?.gpuCount]),
    ).toEqual([
      ['org/a', 'l4', 1],
      ['org/b', 'h100', 4],
      ['org/c', 'l4', 1],
    ]);
    expect(deployments[1]?.deployment).toMatchObject({
      engineVersion: '0.26.0',
      environment: { VLLM_USE_V1: '1' },
    });
    expect(deployments.map(estimateBlocker).map((each) => each?.code)).toEqual([
      undefined,
      undefined,
      'deployment.other-file',
    ]);
  });

  it('reads entrypoints, scripts in strings, device ids and a count of gpus', () => {
    const text = [
      'services:',
      '  a:',
      '    image: registry.local/any',
      '    entrypoint: ["python3", "-m", "vllm.entrypoints.openai.api_server"]',
      '    command: ["--model", "org/a"]',
      '    gpus: 4',
      '  b:',
      '    image: registry.local/any',
      '    command: sh -c "vllm serve org/b --max-num-seqs 4"',
      '    deploy: { resources: { reservations: { devices: [{ driver: nvidia, device_ids: ["0", "3"], capabilities: [gpu] }] } } }',
    ].join('\n');
    expect(
      read(text, 'compose.yaml').deployments.map(({ deployment, hint }) => [
        deployment.model,
        hint?.gpuCount?.count,
      ]),
    ).toEqual([
      ['org/a', 4],
      ['org/b', 2],
    ]);
  });
});

describe('Kubernetes', () => {
  it('reads command and args, limits and node labels, and takes them behind a comment and before the settings', () => {
    const { text, path, found } = sampled('kubernetes: command and args');
    expect(found.deployment).toMatchObject({
      engineVersion: '0.26.0',
      flags: { 'max-model-len': 8192, 'served-model-name': "it's" },
    });
    expect(chooseTarget(found, { gpu: 'h200', gpuCount: 1 })).toMatchObject({
      device: { aliases: expect.arrayContaining(['l4']) },
      gpuCount: 2,
      from: 'document',
    });
    const commented = only(`# loadline: gpu=h100\n${text}`, path);
    expect(chooseTarget(commented, fallback)).toMatchObject({ gpu: 'h100', gpuCount: 2, from: 'comment' });
  });

  it('says nothing of a label that names no GPU it knows', () => {
    const text = sample('kubernetes: command and args').text.replace('nvidia-l4', 'some-card');
    expect(chooseTarget(only(text, 'a.yaml'), fallback)).toMatchObject({
      gpu: 'l4',
      gpuCount: 2,
      from: 'fallback',
    });
  });

  it.each([
    ['nvidia.com/gpu.product', 'NVIDIA-H100-80GB-HBM3', 'h100'],
    ['nvidia.com/gpu.product', 'NVIDIA-A100-SXM4-40GB', 'a100-40gb'],
    ['cloud.google.com/gke-accelerator', 'nvidia-h200-141gb', 'h200'],
    ['cloud.google.com/gke-accelerator', 'nvidia-tesla-t4', 't4'],
  ])('knows %s: %s', (label, value, alias) => {
    const text = sample('kubernetes: command and args').text.replace(
      'cloud.google.com/gke-accelerator: nvidia-l4',
      `${label}: ${value}`,
    );
    expect(chooseTarget(only(text, 'a.yaml'), fallback).device?.aliases).toContain(alias);
  });

  it('reads a script in a block and adds to it as a shell script', () => {
    const { text, found } = sampled('kubernetes: shell script in a block');
    expect(found.deployment).toMatchObject({
      engineVersion: '0.9.1',
      environment: { VLLM_USE_V2_MODEL_RUNNER: '1' },
      flags: { 'max-model-len': 8192, 'enforce-eager': true },
    });
    expect(edited(text, found, { flag: 'max-num-seqs', to: 4 })).toContain(
      '        --enforce-eager \\\n        --max-num-seqs 4\n',
    );
  });

  it('gives the variables of a container to its script', () => {
    const text =
      'kind: Pod\nspec:\n  containers:\n  - image: any\n    command: [sh, -c, "vllm serve $MODEL --max-model-len $LENGTH"]\n    env:\n    - { name: MODEL, value: org/m }\n    - { name: LENGTH, valueFrom: {} }\n';
    const found = only(text, 'pod.yaml');
    expect(found.deployment.model).toBe('org/m');
    expect(estimateBlocker(found)?.path).toEqual(['flags', 'max-model-len']);
  });

  it('fills in what the container itself defines, and says what it does not', () => {
    const text = [
      'kind: Pod',
      'spec:',
      '  containers:',
      '  - name: a',
      '    image: vllm/vllm-openai:v0.26.0',
      '    args: ["--model", "$(MODEL)", "--max-model-len", "$(LENGTH)"]',
      '    env: [{ name: MODEL, value: org/m }]',
    ].join('\n');
    const found = only(text, 'pod.yaml');
    expect(found.deployment.model).toBe('org/m');
    expect(estimateBlocker(found)?.path).toEqual(['flags', 'max-model-len']);
  });

  it.each([
    ['CronJob', ['spec:', '  jobTemplate:', '    spec:', '      template:', '        spec:'], 10],
    ['LeaderWorkerSet', ['spec:', '  leaderWorkerTemplate:', '    leaderTemplate:', '      spec:'], 8],
    ['InferenceService', ['spec:', '  predictor:'], 4],
    ['DaemonSet', ['spec:', '  template:', '    spec:'], 6],
  ])(
    'finds the containers of a %s, of several documents and of the containers that run first',
    (kind, path, indent) => {
      const object = (image: string, model: string) =>
        [
          `kind: ${kind}`,
          ...path,
          `${' '.repeat(indent)}initContainers: [{ name: i, image: busybox, command: [sh, -c, "true"] }]`,
          `${' '.repeat(indent)}containers:`,
          `${' '.repeat(indent)}- {name: web, image: nginx}`,
          `${' '.repeat(indent)}- name: c`,
          `${' '.repeat(indent)}  image: ${image}`,
          `${' '.repeat(indent)}  args: [--model=${model}]`,
        ].join('\n');
      const text = `${object('vllm/vllm-openai:v0.26.0', 'org/a')}\n---\nkind: Service\n---\n${object('vllm/vllm-openai', 'org/b')}\n`;
      expect(read(text, 'all.yaml').deployments.map(({ deployment }) => deployment.model)).toEqual([
        'org/a',
        'org/b',
      ]);
    },
  );
});

describe('Dockerfile', () => {
  it('reads exec form on the image that a build argument completes', () => {
    const { text, found } = sampled('dockerfile: exec form');
    expect(found.deployment).toMatchObject({ engineVersion: '0.10.2', environment: { VLLM_USE_V1: '1' } });
    expect(found.deployment.environment).not.toHaveProperty('HF_HOME');
    expect(edited(text, found, { flag: 'max-num-seqs', to: 4 })).toContain(
      '"8192", "--max-num-seqs", "4"]\n',
    );
  });

  it('reads shell form over comments', () => {
    const { text, found } = sampled('dockerfile: shell form');
    expect(edited(text, found, { flag: 'enforce-eager', to: null }, { flag: 'max-model-len', to: 16 })).toBe(
      text.replace(' \\\n    --enforce-eager', '').replace('8192', '16'),
    );
  });

  it('joins ENTRYPOINT and CMD, takes the last of a stage, and knows `sh -c`', () => {
    const joined = 'FROM any\nENTRYPOINT ["vllm", "serve"]\nCMD ["org/x"]\nCMD ["org/m", "--port", "1"]\n';
    expect(only(joined, 'Dockerfile').deployment).toMatchObject({ model: 'org/m', flags: { port: 1 } });
    const script =
      'FROM vllm/vllm-openai:v0.26.0\nENTRYPOINT ["bash", "-c", "vllm serve org/m --max-num-seqs 4"]\n';
    expect(only(script, 'Dockerfile').deployment).toMatchObject({ flags: { 'max-num-seqs': 4 } });
  });

  it('finds no deployment where an image of vLLM starts something else', () => {
    expect(read('FROM vllm/vllm-openai:v0.26.0\nCMD ["bash"]\n', 'Dockerfile').deployments).toEqual([]);
    const installed =
      'FROM python:3.12\nRUN pip install torch "vllm==0.19.1"\nCMD ["vllm", "serve", "org/m"]\n';
    expect(read(installed, 'Dockerfile').deployments[0]?.deployment.engineVersion).toBe('0.19.1');
  });
});

describe('Helm', () => {
  it('reads models of the production stack: camel case, extra arguments, GPUs and tag', () => {
    const { text, found } = sampled('helm: values of the production stack');
    expect(found.deployment).toMatchObject({
      engineVersion: '0.26.0',
      flags: {
        'max-model-len': 8192,
        'tensor-parallel-size': 2,
        'enforce-eager': true,
        'gpu-memory-utilization': 0.8,
      },
    });
    expect(found.hint?.gpuCount?.count).toBe(2);
    expect(
      edited(text, found, { flag: 'max-model-len', to: 16 }, { flag: 'kv-cache-dtype', to: 'fp8' }),
    ).toBe(
      text
        .replace('maxModelLen: 8192', 'maxModelLen: 16')
        .replace('"0.8"]', '"0.8", "--kv-cache-dtype", "fp8"]'),
    );
  });

  it('makes the list of extra arguments where there is none', () => {
    const { text, path } = sample('helm: values of the production stack');
    const without = text.replace(/\n *extraArgs:.*/, '');
    const added = edited(without, only(without, path), { flag: 'kv-cache-dtype', to: 'fp8' });
    expect(added).toContain(
      '        tensorParallelSize: 2\n        extraArgs:\n          - "--kv-cache-dtype"\n',
    );
    expect(only(added, path).deployment.flags['kv-cache-dtype']).toBe('fp8');
  });

  it('reads lists of arguments beside an image in parts', () => {
    const text =
      'replicas: 1\nllm:\n  image:\n    repository: vllm/vllm-openai\n    tag: v0.26.0\n  extraArgs:\n    - --model=org/m\n    - --max-model-len=8192\n';
    expect(only(text, 'values.yaml').deployment).toMatchObject({
      engineVersion: '0.26.0',
      model: 'org/m',
      flags: { 'max-model-len': 8192 },
    });
  });

  it('reads a template past its templates: what they write is not known, never a problem', () => {
    const { text, found } = sampled('helm: template of a manifest');
    expect(found.deployment.flags).toEqual({ 'max-model-len': 8192 });
    expect(found.problems).toEqual([]);
    expect(unreadArguments(found).map((part) => part.text)).toEqual([
      '{{- toYaml .Values.extraArgs | nindent 12 }}',
    ]);
    expect(estimateBlocker(found)).toBeUndefined();
    const templated = text.replace('"8192"', '{{ .Values.length | quote }}');
    expect(estimateBlocker(only(templated, 'templates/a.yaml'))?.message).toContain(
      '{{ .Values.length | quote }}',
    );
  });
});

describe('Triton', () => {
  it('reads model.json and writes keys as Python spells them', () => {
    const { text, found } = sampled('triton: model.json');
    expect(found.deployment).toMatchObject({
      entrypoint: 'serve',
      flags: { 'max-model-len': 8192, 'enforce-eager': true, 'gpu-memory-utilization': 0.5 },
    });
    expect(edited(text, found, { flag: 'kv-cache-dtype', to: 'fp8' })).toBe(
      text.replace('requests": true', 'requests": true,\n    "kv_cache_dtype": "fp8"'),
    );
    expect(edited(text, found, { flag: 'enforce-eager', to: null })).toBe(
      text.replace(',\n    "enforce_eager": true', ''),
    );
    expect(targetEdit(text, found, { gpu: 'l4', gpuCount: 1 })).toBeUndefined();
  });

  it('says of config.pbtxt where the flags stand, and which GPUs are given', () => {
    const text =
      'name: "llm"\nbackend: "vllm" # not "python"\ninstance_group [ { count: 1 kind: KIND_MODEL gpus: [ 0, 1 ] } ]\n';
    const found = only(text, 'repo/llm/config.pbtxt');
    expect(estimateBlocker(found)?.message).toContain('1/model.json');
    expect(found.hint?.gpuCount?.count).toBe(2);
    expect(edited(text, found, { flag: 'max-num-seqs', to: 4 })).toBe(text);
    expect(findDeployments('name: "x"\nbackend: "python"\n', { path: 'config.pbtxt' })).toBeUndefined();
  });
});

describe('launches in shell scripts', () => {
  it.each([
    ['python -m vllm.entrypoints.api_server --model org/m', 'serve'],
    ['python3 -m vllm.entrypoints.cli.main serve org/m', 'serve'],
    ['vllm bench throughput --model org/m --input-len 32 --output-len 8 --num-prompts 100', 'llm'],
    ['vllm bench latency --model org/m --batch-size 8', 'llm'],
    ['vllm bench throughput --model org/m --async-engine', 'serve'],
  ])('reads %s', (line, entrypoint) => {
    const { deployment, problems } = only(`${line} --max-num-seqs 4\n`, 'a.sh');
    expect(deployment).toMatchObject({ model: 'org/m', entrypoint, flags: { 'max-num-seqs': 4 } });
    expect(Object.keys(deployment.flags)).toEqual(['max-num-seqs']);
    expect(problems).toEqual([]);
  });

  it('takes `vllm bench serve` for the client that it is', () => {
    expect(read('vllm bench serve --model org/m\n', 'a.sh').deployments).toEqual([]);
  });

  it('keeps variables that change the engine, exported or before the command, and no secret', () => {
    const text =
      'export VLLM_USE_V2_MODEL_RUNNER=0 HF_TOKEN=secret\nexport VLLM_API_KEY=secret\nCUDA_VISIBLE_DEVICES=0,1 vllm serve org/m --port 1\n';
    const { deployment, hint } = only(text, 'a.sh');
    expect(deployment.environment).toEqual({ VLLM_USE_V2_MODEL_RUNNER: '0', CUDA_VISIBLE_DEVICES: '0,1' });
    expect(hint?.gpuCount?.count).toBe(2);
  });

  it('reads docker run: image, GPUs, variables', () => {
    const { found } = sampled('shell: docker run');
    expect(found.deployment).toMatchObject({ engineVersion: '0.26.0', environment: { VLLM_USE_V1: '1' } });
    expect(found.deployment.environment).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
    expect(found.hint?.gpuCount?.count).toBe(2);
  });

  it('fills in what the script itself sets once, and defaults; not what may be anything by then', () => {
    const text = [
      `MODEL="${variable('1:-org/m')}"`,
      'export TP=2 LENGTH=1024',
      'LENGTH=2048',
      'for SEQS in 1 2; do',
      `  vllm serve $MODEL -tp "$TP" --gpu-memory-utilization ${variable('USED:-0.8')} --max-model-len ${variable('LENGTH:-1')} --max-num-seqs=$SEQS`,
      'done',
    ]
      .join('\n')
      .replaceAll('\\"', '"');
    const found = only(text, 'a.sh');
    expect(found.deployment).toMatchObject({
      model: 'org/m',
      flags: { 'tensor-parallel-size': 2, 'gpu-memory-utilization': 0.8 },
    });
    expect((found.unresolved ?? []).map(({ flag }) => flag)).toEqual(['max-model-len', 'max-num-seqs']);
    expect(edited(text, found, { flag: 'gpu-memory-utilization', to: 0.9 })).toBe(
      text.replace(':-0.8', ':-0.9'),
    );
    expect(edited(text, found, { flag: 'tensor-parallel-size', to: 4 })).toBe(text.replace('"$TP"', '4'));
  });

  it('reads dotted arguments and short names of them', () => {
    const text = `vllm serve m --speculative-config.method=ngram -cc.level=3 --speculative-config.num_speculative_tokens 4\n`;
    expect(only(text, 'a.sh').deployment.flags).toEqual({
      'speculative-config.method': 'ngram',
      'compilation-config.level': '3',
      'speculative-config.num_speculative_tokens': '4',
    });
  });
});

describe('engines that are not covered', () => {
  it.each([
    [
      'sglang',
      'a.sh',
      'python -m sglang.launch_server --model-path org/m --tp 2 --mem-fraction-static 0.8\n',
    ],
    ['tgi', 'a.sh', 'text-generation-launcher --model-id org/m --max-input-length 4096\n'],
    ['trtllm', 'a.sh', 'trtllm-serve org/m --tp_size 2\n'],
    ['llama.cpp', 'a.sh', './llama-server -m model.gguf -c 8192 -ngl 99\n'],
    [
      'tgi',
      'compose.yaml',
      'services:\n  a:\n    image: ghcr.io/huggingface/text-generation-inference:3.0\n    command: --model-id org/m\n',
    ],
    [
      'sglang',
      'pod.yaml',
      'kind: Pod\nspec:\n  containers:\n  - image: lmsysorg/sglang:latest\n    command: [python3, -m, sglang.launch_server, --model-path, org/m]\n',
    ],
  ])('%s in %s is named once, without a word on its flags', (engine, path, text) => {
    const found = only(text, path);
    expect(found.deployment).toEqual({ engine, entrypoint: 'serve', flags: {} });
    expect(found.problems).toEqual([]);
    expect(estimateBlocker(found)?.code).toBe('engine.not-covered');
  });
});

describe('files of the same kinds without an engine', () => {
  it.each([
    [
      'compose.yaml',
      'services:\n  web:\n    image: nginx\n    command: [serve, --port, "80"]\n    labels: { runs: vllm }\n',
    ],
    [
      'deployment.yaml',
      'apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - image: busybox\n        args: [--model, x]\n',
    ],
    ['service.yaml', 'kind: Service\nmetadata:\n  name: vllm\nspec:\n  selector: { app: vllm }\n'],
    [
      'prometheus.yaml',
      'scrape_configs:\n  - job_name: vllm\n    static_configs: [{ targets: ["vllm:8000"] }]\n',
    ],
    ['Dockerfile', 'FROM node:22\nCMD ["npx", "serve"]\n'],
    ['values.yaml', 'image:\n  repository: nginx\nargs: [--model, x]\n'],
    ['model.json', '{"model": "car", "year": 2020}'],
    ['package.json', '{"name": "vllm", "model": "x", "max_model_len": 1}'],
    ['config.pbtxt', 'name: "x"\nplatform: "onnxruntime_onnx"\n'],
    ['build.sh', 'pip install vllm\n'],
  ])('%s is none of our business', (path, text) => {
    expect(findDeployments(text, { path })).toBeUndefined();
  });
});

describe('bad input', () => {
  it('flags twice: the last counts, and the problem says which to remove', () => {
    const text =
      'kind: Pod\nspec:\n  containers:\n  - image: vllm/vllm-openai\n    args: ["--port=1", "--port", "2", "--max-num-seqs", "8k"]\n';
    const found = only(text, 'pod.yaml');
    expect(found.problems.map(({ code, range }) => [code, slice(text, range)])).toEqual([
      ['flag.duplicate', '--port'],
      ['flag.not-a-number', '"8k"'],
    ]);
    expect(edited(text, found, { flag: 'port', to: null })).toContain('args: ["--max-num-seqs", "8k"]');
  });

  it.each([
    [
      'nested lists',
      'compose.yaml',
      `services:\n  a:\n    image: vllm/vllm-openai\n    command: ${'['.repeat(20_000)}`,
    ],
    [
      'nested maps',
      'pod.yaml',
      `kind: Pod\nspec:\n  containers:\n  - image: vllm/vllm-openai\n    env: ${'{a: '.repeat(20_000)}`,
    ],
    ['nested JSON', 'model.json', `{"model": "m", "max_model_len": ${'[{"a":'.repeat(20_000)}`],
    [
      'aliases of aliases',
      'compose.yaml',
      `x-0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `x-${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\nservices:\n  a:\n    image: vllm/vllm-openai\n    command: *a40\n`,
    ],
    [
      'merges of merges',
      'compose.yaml',
      `x-0: &a0 { image: vllm/vllm-openai }\n${Array.from({ length: 40 }, (_, i) => `x-${i + 1}: &a${i + 1} { <<: [*a${i}, *a${i}] }`).join('\n')}\nservices:\n  a:\n    <<: *a40\n    image: vllm/vllm-openai\n`,
    ],
    [
      'a merge of itself',
      'compose.yaml',
      'services:\n  a: &a\n    <<: *a\n    extends: a\n    image: vllm/vllm-openai\n',
    ],
    [
      'zero bytes',
      'compose.yaml',
      'services:\n  a:\n    image: vllm/vllm-openai\u0000\n    command: "--model \u0000"\n',
    ],
    [
      'tabs',
      'pod.yaml',
      'kind: Pod\nspec:\n\tcontainers:\n\t- image: vllm/vllm-openai\n\t  args: [--model, m]\n',
    ],
    [
      'open templates',
      'templates/a.yaml',
      `kind: Pod\nspec:\n  containers:\n  - image: vllm/vllm-openai\n    args: [${'{{ '.repeat(20_000)}`,
    ],
    ['open quotes', 'Dockerfile', `FROM vllm/vllm-openai\nCMD ["--model${'\\\n'.repeat(20_000)}`],
  ])('%s end in an answer', (_, path, text) => {
    const found = findDeployments(text, { path });
    for (const { range } of found?.problems ?? []) expect(range.end).toBeLessThanOrEqual(text.length);
    expect(found).toBeDefined();
  });

  it('says where it stops reading a file of very many services', () => {
    const service = (index: number) =>
      `  a${index}:\n    image: vllm/vllm-openai\n    command: [--model, m]\n`;
    const text = `services:\n${Array.from({ length: 400 }, (_, index) => service(index)).join('')}`;
    const { deployments, problems } = read(text, 'compose.yaml');
    expect(problems.map(({ code }) => code)).toEqual(['document.too-long']);
    expect(problems[0]?.range.start).toBeGreaterThanOrEqual(deployments.at(-1)?.range.end ?? 0);
  });

  it.each([
    ['vllm/vllm-openai:latest', 'latest'],
    ['vllm/vllm-openai:nightly-0a1b2c', 'nightly'],
    ['vllm/vllm-openai:v0.26.0-cu129', '0.26.0'],
    ['vllm/vllm-openai:latest.2', undefined],
    ['vllm/vllm-openai', undefined],
    ['registry.local/my-vllm:latest', undefined],
  ])('%s is version %s', (image, version) => {
    const text = `services:\n  one:\n    image: ${image}\n    command: [vllm, serve, m]\n`;
    expect(read(text, 'compose.yaml').deployments[0]?.deployment.engineVersion).toBe(version);
  });

  it('takes the anchor that was defined last before it is named', () => {
    const text =
      'x-a: &a { image: vllm/vllm-openai:v0.10.2 }\nservices:\n  one:\n    <<: *a\n    command: [--model, m]\n  two: &a\n    image: vllm/vllm-openai:v0.26.0\n  three:\n    <<: *a\n    command: [--model, m]\n';
    expect(read(text, 'compose.yaml').deployments.map(({ deployment }) => deployment.engineVersion)).toEqual([
      '0.10.2',
      '0.26.0',
      '0.26.0',
    ]);
  });

  it('says of a file of ten megabytes that it is not read', () => {
    const text = `services:\n  a:\n    image: vllm/vllm-openai\n${'  # filler\n'.repeat(1_000_000)}`;
    expect(read(text, 'compose.yaml').problems).toMatchObject([{ code: 'document.too-long' }]);
    expect(findDeployments('a: b\n'.repeat(2_000_000), { path: 'a.yaml' })).toBeUndefined();
  });
});
