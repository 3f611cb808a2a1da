import { describe, expect, it } from 'vitest';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { knownModel, knownModelNames } from '../../../src/core/model/known.ts';
import { changes } from '../../../webview/calculator/changes.ts';
import { commandLine } from '../../../webview/calculator/commandLine.ts';
import {
  type CalculatorState,
  choose,
  drop,
  effectiveRequest,
  initialState,
  receive,
  restored,
  setFlag,
  setLoad,
  toKeep,
  withLoad,
  withModels,
} from '../../../webview/calculator/state.ts';
import { calculatorSnapshot, requestFor } from '../../webview/examples.ts';

const file = requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': 8192 });
const models = { names: knownModelNames(), facts: knownModel };
const resolved = estimate(file).resolved;
const opened = receive(withModels(initialState, models), calculatorSnapshot(file));
const edited = setFlag(opened, 'max-model-len', 16384, resolved);

describe('the calculator over a file', () => {
  it('estimates the file with the edits on top', () => {
    expect(effectiveRequest(edited)?.deployment.flags).toEqual({ 'max-model-len': 16384 });
    expect(changes(edited, resolved, null)).toEqual([
      {
        id: 'max-model-len',
        label: 'max-model-len',
        from: '8192',
        to: '16384',
        edit: { flag: 'max-model-len', to: 16384 },
      },
    ]);
  });

  it('says of a flag that the file leaves out that its default is changed', () => {
    const [change] = changes(setFlag(opened, 'max-num-seqs', 64, resolved), resolved, null);
    expect(change?.from).toBe(`${resolved['max-num-seqs']} (default)`);
  });

  it('takes an edit back when it is set to what the file says, or to the default it leaves', () => {
    expect(setFlag(edited, 'max-model-len', 8192, resolved).edits).toEqual({});
    const away = setFlag(opened, 'max-num-seqs', 64, resolved);
    expect(setFlag(away, 'max-num-seqs', Number(resolved['max-num-seqs']), resolved).edits).toEqual({});
  });

  it('keeps edits on top of what is typed in the file, and forgets one that the file takes over', () => {
    const two = setFlag(edited, 'gpu-memory-utilization', 0.8, resolved);
    const typed = requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': '16384', seed: 1 });
    const after = receive(two, { ...calculatorSnapshot(typed), type: 'delta', following: 'serve.yaml:13' });
    expect(after.edits).toEqual({ 'gpu-memory-utilization': 0.8 });
    expect(effectiveRequest(after)?.deployment.flags).toMatchObject({
      seed: 1,
      'gpu-memory-utilization': 0.8,
    });
  });

  it('carries no edit over to another file', () => {
    const other = { ...calculatorSnapshot(file), following: 'other.yaml:1' };
    expect(receive(edited, other).edits).toEqual({});
  });

  it('tries another GPU without what was read from the file’s own host, and never offers to apply it', () => {
    const live: CalculatorState = { ...opened, base: { ...file, cudaTotalBytes: 1, weightsBytes: 2 } };
    const tried = choose(live, { device: 'l4-24gb' });
    const request = effectiveRequest(tried);
    expect(request?.device.id).toBe('l4-24gb');
    expect(request).not.toHaveProperty('cudaTotalBytes');
    expect(request?.weightsBytes).toBe(2);
    expect(changes(tried, resolved, null)).toMatchObject([
      { id: 'device', from: 'H200', to: 'L4', edit: null },
    ]);
    expect(changes(drop(tried, 'device'), resolved, null)).toEqual([]);
  });

  it('counts the GPUs that the parallel sizes need, and says so', () => {
    const four = setFlag(opened, 'tensor-parallel-size', 4, resolved);
    expect(effectiveRequest(four)?.gpuCount).toBe(4);
    expect(changes(four, resolved, null).map(({ id }) => id)).toEqual(['tensor-parallel-size', 'gpuCount']);
    expect(effectiveRequest(drop(four, 'tensor-parallel-size'))?.gpuCount).toBe(1);
  });

  it('comes back after a reload, for the same file only', () => {
    const kept: unknown = JSON.parse(JSON.stringify(toKeep(edited)));
    expect(receive(restored(kept), calculatorSnapshot(file)).edits).toEqual({ 'max-model-len': 16384 });
    const other = { ...calculatorSnapshot(file), following: 'other.yaml:1' };
    expect(receive(restored(kept), other).edits).toEqual({});
  });

  it('starts clean from anything else that was kept', () => {
    for (const kept of [undefined, null, 7, { edits: [{}], choice: { model: 'no-such', gpuCount: 'x' } }]) {
      const { edits, choice, load } = withModels(restored(kept), models);
      expect([edits, choice, load]).toEqual([{}, {}, {}]);
    }
  });

  it('carries no edit over to another deployment of the same file', () => {
    const other = { ...calculatorSnapshot(file), index: 1 };
    expect(receive(edited, other).edits).toEqual({});
  });

  it('tries another load without offering to write it, and takes it back', () => {
    const usual = estimate(file).speed;
    const busy = setLoad(opened, 'batch', 64);
    const request = withLoad(file, busy.load, () => usual);
    expect(estimate(request).speed).toMatchObject({ batch: 64, inputTokens: usual.inputTokens });
    expect(changes(busy, resolved, usual)).toMatchObject([
      { id: 'batch', from: String(usual.batch), to: '64', edit: null },
    ]);
    expect(drop(busy, 'batch').load).toEqual({});
  });

  it('waits for the facts of a model that is tried, and forgets one that does not ship', () => {
    const waiting = choose(receive(initialState, calculatorSnapshot(file)), { model: 'gpt2' });
    expect(effectiveRequest(waiting)).toBeNull();
    expect(effectiveRequest(withModels(waiting, models))?.model.modelType).toBe('gpt2');
    expect(withModels(choose(waiting, { model: 'no-such' }), models).choice).toEqual({});
  });

  it('refuses to estimate before model and GPU are known', () => {
    const alone = receive(withModels(initialState, models), calculatorSnapshot(null));
    expect(effectiveRequest(alone)).toBeNull();
    expect(effectiveRequest(choose(alone, { model: 'gpt2' }))).toBeNull();
    expect(effectiveRequest(choose(alone, { model: 'gpt2', device: 't4-16gb' }))?.model.modelType).toBe(
      'gpt2',
    );
  });

  it('marks a panel of another version', () => {
    expect(receive(initialState, { ...calculatorSnapshot(file), protocol: 99 }).incompatible).toBe(true);
  });
});

describe('the copied command line', () => {
  it('is what one would type', () => {
    const request = requestFor('gpt2', 't4', {
      'max-model-len': 512,
      'enforce-eager': true,
      'enable-prefix-caching': false,
      'served-model-name': "it's mine",
    });
    expect(commandLine(request)).toBe(
      `vllm serve ${request.model.id} --max-model-len 512 --enforce-eager --no-enable-prefix-caching --served-model-name 'it'\\''s mine'`,
    );
  });

  it('has the variables that change what the engine does, quoted where a shell wants it', () => {
    const request = requestFor('gpt2', 't4', { 'speculative-config': '{"method": "ngram"}' });
    const environment = { CUDA_VISIBLE_DEVICES: '0,1', VLLM_PLUGINS: "a b'c" };
    expect(
      commandLine({ ...request, deployment: { ...request.deployment, model: 'gpt2', environment } }),
    ).toBe(
      `CUDA_VISIBLE_DEVICES=0,1 VLLM_PLUGINS='a b'\\''c' vllm serve gpt2 --speculative-config '{"method": "ngram"}'`,
    );
  });

  it('writes JSON as a dictionary of Python', () => {
    const request = requestFor('gpt2', 't4', {
      'hf-overrides': '{"tie_word_embeddings": false, "rope_scaling": null, "sizes": [1, 2]}',
    });
    expect(
      commandLine({ ...request, deployment: { ...request.deployment, entrypoint: 'llm', model: 'gpt2' } }),
    ).toBe(
      'LLM(model="gpt2", hf_overrides={"tie_word_embeddings": False, "rope_scaling": None, "sizes": [1, 2]})',
    );
  });

  it('asks again where the program has no command of its own', () => {
    const request = requestFor('gpt2', 't4', { 'batch-size': 8 });
    const deployment = {
      ...request.deployment,
      engine: 'static-batch',
      engineVersion: '4.45',
      model: 'gpt2',
    };
    expect(commandLine({ ...request, deployment, gpuCount: 2 })).toBe(
      'loadline fit --engine static-batch --engine-version 4.45 --model gpt2 --gpu t4-16gb --gpu-count 2 --set batch-size=8',
    );
  });

  it('is Python for the offline class', () => {
    const request = requestFor('gpt2', 't4', { 'max-model-len': 512, 'enforce-eager': true });
    expect(
      commandLine({ ...request, deployment: { ...request.deployment, entrypoint: 'llm', model: 'gpt2' } }),
    ).toBe('LLM(model="gpt2", max_model_len=512, enforce_eager=True)');
  });
});
