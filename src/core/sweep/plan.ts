/** From a parsed document to a plan that can be run: the schema first, then what only the whole can tell. */
import { findServerLaunch } from '../engine/serverLaunches.ts';
import { failure, type Result, success } from '../result.ts';
import {
  answerWarnings,
  arrangementProblems,
  engineWarnings,
  hostProblems,
  launchProblems,
  loadProblems,
  searchProblems,
} from './planChecks.ts';
import { containerProblems, environmentProblems, textProblems } from './planEnvironment.ts';
import { canonicalFlags } from './planFlags.ts';
import { planSchema, type SweepPlan } from './planSchema.ts';
import { launchSecrets } from './planSecrets.ts';
import { schemaProblems } from './schemaProblems.ts';

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
  const unwritable = textProblems(document);
  if (unwritable.length > 0) return failure(...unwritable);
  const parsed = planSchema.safeParse(document);
  if (!parsed.success) return failure(...schemaProblems(parsed.error, document));
  const plan = parsed.data;
  const launch = findServerLaunch(plan.engine.name);
  if (launch === undefined) {
    const message = `Engine "${plan.engine.name}" is not covered yet.`;
    return failure({ code: 'plan.engine-unknown', message, path: ['engine', 'name'] });
  }
  const canonical = canonicalFlags(plan, launch);
  const problems = [
    ...hostProblems(plan),
    ...launchProblems(plan),
    ...environmentProblems(plan),
    ...containerProblems(plan),
    ...arrangementProblems(plan),
    ...loadProblems(plan),
    ...searchProblems(plan),
    ...launchSecrets(plan),
    ...canonical.problems,
  ];
  return problems.length > 0
    ? failure(...problems)
    : success(canonical.plan, [
        ...answerWarnings(plan),
        ...engineWarnings(plan, launch),
        ...canonical.warnings,
      ]);
}
