/** A model's config.json and headers, asked of a hub. Weights are never downloaded. */
import { checkpointFacts, type StoredTensor } from '../../core/model/checkpoint.ts';
import type { ModelFacts } from '../../core/model/facts.ts';
import { parseModelConfig } from '../../core/model/parse.ts';
import { badHeader, safetensorsTensors } from '../../core/model/safetensorsHeader.ts';
import { failure, type Problem, type Result, success } from '../../core/result.ts';
import type { HubAccess } from './hubAccess.ts';
import { type HubAnswer, HubAnswers, isCommit } from './hubAnswers.ts';
import { isHubId, isRevision } from './hubCache.ts';
import { HubFailure, HubFetch } from './hubFetch.ts';

const MOST_CONFIG_BYTES = 16 * 1024 * 1024;

/** Problems after which what was kept is better than nothing. */
const passing = new Set(['hub.unreachable', 'hub.timed-out', 'hub.rate-limited', 'hub.failed']);

/**
 * Facts of `org/name` at a revision. Never throws. Problems: those of `parseModelConfig`; `hub.not-found`, `hub.no-revision`,
 * `hub.gated`, `hub.token-refused`, `hub.rate-limited`, `hub.unreachable`, `hub.timed-out`, `hub.failed`, `hub.too-large`,
 * `hub.no-config`, `hub.cancelled`. Without a network, what was kept of an earlier time answers, with the warning `hub.kept-answer`.
 */
export async function hubModel(
  model: string,
  revision: string,
  access: HubAccess,
): Promise<Result<ModelFacts>> {
  if (!isHubId(model) || !isRevision(revision)) {
    return failure({
      code: 'hub.not-found',
      message: `"${model}" at "${revision}" is no name that a hub has.`,
    });
  }
  const answers = new HubAnswers(access, model);
  const hub = new HubFetch(access, model);
  const warnings: Problem[] = [];
  let commit: string;
  try {
    commit = await currentCommit(model, revision, access, hub);
  } catch (error) {
    const { problem } = failureOf(error, hub);
    const kept = passing.has(problem.code) ? await answers.commitOf(revision) : undefined;
    const answer = kept === undefined ? undefined : await answers.read(kept);
    if (kept === undefined || answer === undefined) return failure(problem);
    warnings.push({
      code: 'hub.kept-answer',
      message: `${problem.message} What it said before is used, of commit ${kept.slice(0, 7)}.`,
    });
    return factsOf(model, kept, access, answer, warnings);
  }
  const kept = await answers.read(commit);
  if (kept !== undefined) {
    await answers.remember(revision, commit).catch(() => undefined);
    return factsOf(model, commit, access, kept, warnings);
  }
  let answer: HubAnswer;
  try {
    const config = await configOf(model, commit, access, hub);
    if (!config.ok) return config;
    const weights = await weightsOf(model, commit, access, hub);
    answer = {
      config: config.value,
      ...(weights.ok && weights.value !== undefined ? { weights: weights.value } : {}),
    };
    if (weights.ok) {
      await answers.write(revision, commit, answer).catch((error: unknown) => {
        warnings.push({
          code: 'hub.not-kept',
          message: error instanceof Error ? error.message : 'It was not kept.',
        });
      });
    } else warnings.push(...weights.problems);
  } catch (error) {
    return failure(failureOf(error, hub).problem);
  }
  return factsOf(model, commit, access, answer, warnings);
}

async function currentCommit(
  model: string,
  revision: string,
  access: HubAccess,
  hub: HubFetch,
): Promise<string> {
  const { modelInfo } = await import('./hubLibrary.ts');
  const info = await modelInfo({
    name: model,
    revision,
    hubUrl: access.endpoint,
    additionalFields: ['sha'],
    fetch: hub.fetch,
  });
  if (isCommit(info.sha)) return info.sha;
  throw new HubFailure({
    code: 'hub.failed',
    message: `${new URL(access.endpoint).host} did not say at which commit "${model}" is: it may be no model hub.`,
  });
}

async function configOf(
  model: string,
  commit: string,
  access: HubAccess,
  hub: HubFetch,
): Promise<Result<unknown>> {
  const { downloadFile } = await import('./hubLibrary.ts');
  const path = `${access.endpoint}/${model}/config.json`;
  const file = await downloadFile({
    repo: { type: 'model', name: model },
    path: 'config.json',
    revision: commit,
    hubUrl: access.endpoint,
    fetch: hub.fetch,
    xet: false,
  });
  if (file === null) {
    return failure({
      code: 'hub.no-config',
      message: `"${model}" has no config.json: it is no model in the format of Transformers.`,
    });
  }
  if (file.size > MOST_CONFIG_BYTES) {
    return failure({
      code: 'model.too-large-file',
      message: `${path} is larger than 16 MiB: that is no config.json.`,
    });
  }
  const text = await file.text();
  try {
    return success(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch (error) {
    return failure({
      code: 'model.torn-config',
      message: `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
    });
  }
}

/** Headers of the safetensors files; undefined where there are none. A file that cannot be used is a problem, as in a folder. */
async function weightsOf(
  model: string,
  commit: string,
  access: HubAccess,
  hub: HubFetch,
): Promise<Result<HubAnswer['weights']>> {
  const { parseSafetensorsMetadata } = await import('./hubLibrary.ts');
  const before = hub.failure;
  let parsed: Awaited<ReturnType<typeof parseSafetensorsMetadata>>;
  try {
    parsed = await parseSafetensorsMetadata({
      repo: { type: 'model', name: model },
      revision: commit,
      hubUrl: access.endpoint,
      fetch: hub.fetch,
    });
  } catch (error) {
    if (hub.failure !== before) return failure(failureOf(error, hub).problem);
    if (error instanceof Error && error.message.includes('does not seem to contain'))
      return success(undefined);
    return failure(badHeader(`${model}'s checkpoint`, 'the hub sent a header that cannot be read'));
  }
  const headers = parsed.sharded
    ? Object.entries(parsed.headers)
    : [['model.safetensors', parsed.header] as const];
  const tensors: StoredTensor[] = [];
  for (const [file, header] of headers) {
    const read = safetensorsTensors(`${model}/${file}`, header, undefined);
    if (!read.ok) return read;
    tensors.push(...read.value);
  }
  return success({ tensors, files: headers.length });
}

function factsOf(
  model: string,
  commit: string,
  access: HubAccess,
  answer: HubAnswer,
  warnings: readonly Problem[],
): Result<ModelFacts> {
  const source = `${access.endpoint}/${model}/blob/${commit}/config.json`;
  const facts = parseModelConfig(answer.config, { id: model, source });
  if (!facts.ok) return facts;
  const all = [...facts.warnings, ...warnings];
  if (answer.weights === undefined) return success(facts.value, all);
  const { tensors, files } = answer.weights;
  const { layers, tiedEmbeddings } = facts.value;
  const checkpoint = checkpointFacts(
    tensors,
    { layers: layers.length, tiedEmbeddings },
    { format: 'safetensors', files },
  );
  return success({ ...facts.value, checkpoint }, all);
}

/** The client wraps what it catches: the first refusal is what happened. */
function failureOf(error: unknown, hub: HubFetch): HubFailure {
  if (error instanceof HubFailure) return error;
  return hub.failure ?? new HubFailure(hub.problemOf(error));
}
