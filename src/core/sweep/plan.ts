/** From a parsed document to a plan that can be run: the schema first, then what only the whole can tell. */
import { closest } from '../closest.ts';
import { type Engine, findEngine, serverNames } from '../engine/engine.ts';
import { failure, type Problem, type Result, success } from '../result.ts';
import { planSchema, type SweepPlan, schemaProblems } from './planSchema.ts';
import { isSecretName, launchSecrets, secretProblem } from './planSecrets.ts';

/** Flags that Loadline sets itself: the agent chooses a free port, and hands the key over in the environment. */
const ownFlags: ReadonlyMap<string, string> = new Map([
  ['host', 'the engine listens on loopback only, and the agent sets that itself'],
  ['port', 'the agent chooses a free port itself'],
  ['uds', 'the engine listens on a port of loopback, which the agent chooses'],
  ['headless', 'without its server an engine cannot be measured'],
  ['ssl-', 'the engine listens on loopback only, where nothing needs TLS'],
  ['enable-ssl-refresh', 'the engine listens on loopback only, where nothing needs TLS'],
  [
    'api-key',
    'the agent makes a key of its own for each engine; a key here would stand in process lists and logs',
  ],
  ['model', 'write the model at the top of the plan'],
  ['config', 'write its flags into the plan, so that predictions and cells know of them'],
]);

/** Why Loadline sets a flag itself. An engine takes the beginning of a name for the whole, so `api-ke` is one too. */
function ownFlagReason(name: string, known: boolean): string | undefined {
  for (const [own, reason] of ownFlags) {
    const family = own.endsWith('-') && name.startsWith(own);
    if (name === own || family || (!known && own.startsWith(name))) return reason;
  }
  return undefined;
}

/**
 * A plan from what its YAML or JSON says. Problems carry the path of the key that they are about; what the format has and this version
 * cannot do yet is a problem too, never ignored. Flags come out under their canonical names.
 */
export function planFrom(document: unknown): Result<SweepPlan> {
  if (document === null || document === undefined) {
    return failure({
      code: 'plan.empty',
      message: 'The plan is empty: it needs name, hosts, engine, model and load.',
    });
  }
  const parsed = planSchema.safeParse(document);
  if (!parsed.success) return failure(...schemaProblems(parsed.error, document));
  const plan = parsed.data;
  const named = findEngine(plan.engine.name);
  const engine = named?.isServer ? named : undefined;
  const problems = [...notCoveredYet(plan), ...loadProblems(plan), ...launchSecrets(plan)];
  const warnings: Problem[] = answerWarnings(plan);
  if (engine === undefined) {
    const message = `Engine "${plan.engine.name}" is not covered yet; there is ${serverNames().join(', ')}.`;
    problems.push({ code: 'plan.engine-unknown', message, path: ['engine', 'name'] });
    return failure(...problems);
  }
  const canonical = canonicalFlags(plan, engine);
  problems.push(...canonical.problems);
  warnings.push(...canonical.warnings);
  return problems.length > 0 ? failure(...problems) : success(canonical.plan, warnings);
}

function notCoveredYet(plan: SweepPlan): Problem[] {
  const problems: Problem[] = [];
  const add = (what: string, path: Problem['path'] & {}) =>
    problems.push({ code: 'plan.not-covered-yet', message: `Not covered yet: ${what}`, path });
  if (plan.scheduler) add('schedulers. Name a host whose GPUs are yours, and leave this out.', ['scheduler']);
  if (plan.search) add('searching for a value. List the values under matrix instead.', ['search']);
  if (plan.hosts.length > 1)
    add('more than one host in a run. Name one; run the plan again for another.', ['hosts', 1]);
  const launch = plan.engine.launch;
  if (launch?.container) add('engines in containers. Use launch.command.', ['engine', 'launch', 'container']);
  if (launch?.endpoint)
    add('engines that run already. Use launch.command.', ['engine', 'launch', 'endpoint']);
  return problems;
}

function loadProblems(plan: SweepPlan): Problem[] {
  return plan.load.flatMap((load, index) =>
    load.api === 'chat' && load.prompt === 'token-ids'
      ? [
          {
            code: 'plan.bad-value',
            message: 'The chat route takes no token ids: write prompt: text, or api: completions.',
            path: ['load', index, 'prompt'],
          },
        ]
      : [],
  );
}

function answerWarnings(plan: SweepPlan): Problem[] {
  if (plan.question === undefined) return [];
  if (plan.question !== 'chat') {
    const message = `The answer to "${plan.question}" is not covered yet: the run gives its table.`;
    return [{ code: 'plan.answer-not-covered-yet', message, path: ['question'] }];
  }
  return plan.slo === undefined || Object.keys(plan.slo).length === 0
    ? [
        {
          code: 'plan.no-slo',
          message:
            'The chat question needs a service level: add slo, for example {ttftP95Ms: 500, perQueryTokensPerSecond: 10}.',
          path: ['question'],
        },
      ]
    : [];
}

function canonicalFlags(
  plan: SweepPlan,
  engine: Engine,
): { plan: SweepPlan; problems: Problem[]; warnings: Problem[] } {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];

  function renamed<V>(
    flags: Readonly<Record<string, V>>,
    parent: readonly (string | number)[],
    others: readonly string[] = [],
  ) {
    const result: Record<string, V> = {};
    for (const [written, value] of Object.entries(flags)) {
      const path = [...parent, written];
      if (others.includes(written)) {
        result[written] = value;
        continue;
      }
      const definition = engine.canonicalFlag(written);
      const bare = written.replace(/^-+/, '');
      if (!/^[A-Za-z][\w.-]*$/.test(bare)) {
        const message = `"${written}" is no name of a flag: it is made of letters, digits, "-", "_" and ".", and its value stands behind the colon.`;
        problems.push({ code: 'plan.bad-flag', message, path });
        continue;
      }
      const name = definition?.name ?? bare.replaceAll('_', '-');
      const own = ownFlagReason(name, definition !== undefined);
      if (own !== undefined) {
        problems.push({ code: 'plan.own-flag', message: `${written}: ${own}.`, path });
      } else if (bare.replaceAll('_', '-') === `no-${name}`) {
        const message = `${written}: a plan says this with true and false: write ${name}, and the other value.`;
        problems.push({ code: 'plan.bad-flag', message, path });
      } else if (isSecretName(name) && [value].flat(2).some((one) => typeof one !== 'boolean')) {
        problems.push(secretProblem(written, path));
      } else if (Object.hasOwn(result, name)) {
        problems.push({
          code: 'plan.duplicate-flag',
          message: `${written} is given twice, as another spelling of ${name}.`,
          path,
        });
      } else if (definition === undefined) {
        const near = closest(
          name,
          engine.flags.map((flag) => flag.name),
        );
        const hint = near === undefined ? 'It is handed on as it stands.' : `Did you mean ${near}?`;
        warnings.push({
          code: 'plan.unknown-flag',
          message: `${engine.label} has no flag "${written}" that Loadline knows. ${hint}`,
          path,
        });
      }
      result[name] = value;
    }
    return result;
  }

  const flags = renamed(plan.deployment.flags, ['deployment', 'flags']);
  const matrix = renamed(plan.matrix, ['matrix']);
  for (const name of Object.keys(matrix).filter((flag) => Object.hasOwn(flags, flag))) {
    const message = `${name} is under deployment.flags as well: the values here are what is used, so remove it there.`;
    problems.push({ code: 'plan.duplicate-flag', message, path: ['matrix', name] });
  }
  const exclude = plan.exclude.map((entry, index) => renamed(entry, ['exclude', index], ['concurrency']));
  for (const [index, entry] of exclude.entries()) {
    const stray = Object.keys(entry).find(
      (name) => name !== 'concurrency' && !Object.hasOwn(matrix, name) && !Object.hasOwn(flags, name),
    );
    if (stray !== undefined) {
      const message = `${stray} is in neither matrix nor deployment.flags: this leaves nothing out.`;
      problems.push({ code: 'plan.exclude-unknown', message, path: ['exclude', index] });
    }
  }
  return { plan: { ...plan, deployment: { flags }, matrix, exclude }, problems, warnings };
}
