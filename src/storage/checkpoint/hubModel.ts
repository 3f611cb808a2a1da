/** A model's config.json and headers, asked of a hub. Weights are never downloaded. */
import { checkpointFacts, type StoredTensor } from '../../core/model/checkpoint.ts';
import type { ModelFacts } from '../../core/model/facts.ts';
import { chooseGguf } from '../../core/model/gguf.ts';
import { parseModelConfig } from '../../core/model/parse.ts';
import { badHeader, safetensorsTensors } from '../../core/model/safetensorsHeader.ts';
import { failure, type Problem, type Result, success } from '../../core/result.ts';
import { type GgufHeader, ggufContent, ggufFacts, ggufHeader } from './ggufModel.ts';
import type { HubAccess, HubModelName } from './hubAccess.ts';
import { type HubAnswer, HubAnswers, isCommit } from './hubAnswers.ts';
import { isHubId, isRevision } from './hubCache.ts';
import { HubFailure, HubFetch } from './hubFetch.ts';

const MOST_CONFIG_BYTES = 16 * 1024 * 1024;

/** Problems after which what was kept is better than nothing. */
const passing = new Set(['hub.unreachable', 'hub.timed-out', 'hub.rate-limited', 'hub.failed']);

/** One model at one commit, and how it is asked for. */
interface Asked {
  readonly name: HubModelName;
  readonly commit: string;
  readonly access: HubAccess;
  readonly hub: HubFetch;
}

/**
 * Facts of `org/name` at a revision, of its GGUF files where a quantisation is named. Never throws. Problems: those of
 * `parseModelConfig` and `chooseGguf`; `hub.not-found`, `hub.no-revision`, `hub.gated`, `hub.token-refused`, `hub.rate-limited`,
 * `hub.unreachable`, `hub.timed-out`, `hub.failed`, `hub.too-large`, `hub.no-config`, `hub.cancelled`. Without a network, what was kept
 * of an earlier time answers, with the warning `hub.kept-answer`.
 */
export async function hubModel(
  name: HubModelName,
  revision: string,
  access: HubAccess,
): Promise<Result<ModelFacts>> {
  const model = name.id;
  if (!isHubId(model) || !isRevision(revision)) {
    return failure({
      code: 'hub.not-found',
      message: `"${model}" at "${revision}" is no name that a hub has.`,
    });
  }
  const answers = new HubAnswers(access, name);
  const hub = new HubFetch(access, model);
  let info: ModelState;
  try {
    info = await currentState(model, revision, access, hub);
  } catch (error) {
    return keptAnswer(failureOf(error, hub).problem, revision, answers, name, access);
  }
  const asked: Asked = { name, commit: info.commit, access, hub };
  const kept = await answers.read(info.commit);
  if (kept !== undefined) {
    // Whether it is remembered decides nothing but what answers without a network.
    await answers.remember(revision, info.commit).catch(() => undefined);
    return factsOf(asked, kept, []);
  }
  try {
    const answer =
      name.quantization === undefined ? await answerOf(asked) : await ggufAnswerOf(asked, info.files);
    if (!answer.ok) return answer;
    const warnings = [...answer.warnings];
    // What lacks the headers is asked for again.
    if (warnings.length === 0) {
      await answers.write(revision, info.commit, answer.value).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        warnings.push({ code: 'hub.not-kept', message });
      });
    }
    return factsOf(asked, answer.value, warnings);
  } catch (error) {
    return failure(failureOf(error, hub).problem);
  }
}

/** What was kept, where the hub does not answer for now; the problem where nothing was. */
async function keptAnswer(
  problem: Problem,
  revision: string,
  answers: HubAnswers,
  name: HubModelName,
  access: HubAccess,
): Promise<Result<ModelFacts>> {
  const commit = passing.has(problem.code) ? await answers.commitOf(revision) : undefined;
  const answer = commit === undefined ? undefined : await answers.read(commit);
  if (commit === undefined || answer === undefined) return failure(problem);
  return factsOf({ name, commit, access }, answer, [
    {
      code: 'hub.kept-answer',
      message: `${problem.message} What it said before is used, of commit ${commit.slice(0, 7)}.`,
    },
  ]);
}

interface ModelState {
  readonly commit: string;
  readonly files: readonly string[];
}

async function currentState(
  model: string,
  revision: string,
  access: HubAccess,
  hub: HubFetch,
): Promise<ModelState> {
  const { modelInfo } = await import('./hubLibrary.ts');
  const { sha, filePaths } = await modelInfo({
    name: model,
    revision,
    hubUrl: access.endpoint,
    additionalFields: ['sha', 'filePaths'],
    fetch: hub.fetch,
  });
  if (isCommit(sha)) return { commit: sha, files: filePaths };
  throw new HubFailure({
    code: 'hub.failed',
    message: `${new URL(access.endpoint).host} did not say at which commit "${model}" is: it may be no model hub.`,
  });
}

async function answerOf(asked: Asked): Promise<Result<HubAnswer>> {
  const config = await configOf(asked);
  if (!config.ok) return config;
  const weights = await weightsOf(asked);
  if (!weights.ok) return success({ config: config.value }, weights.problems);
  return success({
    config: config.value,
    ...(weights.value === undefined ? {} : { weights: weights.value }),
  });
}

async function ggufAnswerOf(asked: Asked, names: readonly string[]): Promise<Result<HubAnswer>> {
  const { name, commit, access, hub } = asked;
  const chosen = chooseGguf(name.id, names, name.quantization);
  if (!chosen.ok) return chosen;
  const files = chosen.value?.files ?? [];
  if (files.length === 0) {
    return failure({ code: 'checkpoint.which-gguf', message: `"${name.id}" has no GGUF files.` });
  }
  const headers: GgufHeader[] = [];
  for (const file of files) {
    const path = file.split('/').map(encodeURIComponent).join('/');
    const before = hub.failure;
    const header = await ggufHeader(
      `${name.id}/${file}`,
      `${access.endpoint}/${name.id}/resolve/${commit}/${path}`,
      hub.fetch,
      undefined,
    );
    if (hub.failure !== undefined && hub.failure !== before) throw hub.failure;
    if (!header.ok) return header;
    headers.push(header.value);
  }
  const content = ggufContent(`${name.id}/${files[0] ?? ''}`, headers);
  if (!content.ok) return content;
  const { config, tensors } = content.value;
  return success({ config, weights: { tensors, files: files.length } });
}

async function configOf({ name, commit, access, hub }: Asked): Promise<Result<unknown>> {
  const model = name.id;
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
      message: `"${model}" has no config.json: it is no model in the format of Transformers. Of GGUF files, name the quantisation: ${model}:Q4_K_M.`,
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
async function weightsOf({ name, commit, access, hub }: Asked): Promise<Result<HubAnswer['weights']>> {
  const model = name.id;
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
  { name, commit, access }: Omit<Asked, 'hub'>,
  answer: HubAnswer,
  warnings: readonly Problem[],
): Result<ModelFacts> {
  const at = `${access.endpoint}/${name.id}/blob/${commit}`;
  if (name.quantization !== undefined && answer.weights !== undefined) {
    const id = `${name.id}:${name.quantization}`;
    const facts = ggufFacts(id, `${at} (GGUF)`, { config: answer.config, ...answer.weights });
    return facts.ok ? success(facts.value, [...facts.warnings, ...warnings]) : facts;
  }
  const model = name.id;
  const source = `${at}/config.json`;
  const facts = parseModelConfig(answer.config, {
    id: model,
    source,
    ...(name.overrides === undefined ? {} : { overrides: name.overrides }),
  });
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
