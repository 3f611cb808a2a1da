import type { Problem } from '../../../result.ts';
import { releaseName } from '../versions/releases.ts';
import { defaultChange, flagStatus, meantFlag } from './catalogue.ts';
import { replacedBy } from './renames.ts';

/** What a release says against an option's name, or that its default is new there; undefined where nothing. */
export function checkFlag(name: string, release: number): Problem | undefined {
  const status = flagStatus(name, release);
  const path = ['flags', name];
  const here = releaseName(release);
  switch (status.state) {
    case 'known':
      return undefined;
    case 'removed': {
      const instead = replacedBy.get(name);
      return {
        code: instead?.startsWith('use ') ? 'flag.renamed' : 'flag.removed',
        message: `${name} is gone since vLLM ${releaseName(status.since)}; ${here} does not start with it${instead === undefined ? '.' : `: ${instead}.`}`,
        path,
      };
    }
    case 'later':
      return {
        code: 'flag.later',
        message: `${name} came with vLLM ${releaseName(status.since)}; ${here} does not start with it.`,
        path,
      };
    case 'unknown': {
      const meant = meantFlag(name, release);
      return {
        code: 'flag.unknown',
        message: `vLLM ${here} has no option ${name} and does not start with it${meant === undefined ? '.' : `; did you mean ${meant}?`}`,
        path,
      };
    }
  }
}

/** Says that an option's default is another one than a release before, or will be with the next: information for who moves. */
export function defaultNote(name: string, release: number): string | undefined {
  const came = defaultChange(name, release);
  if (came !== undefined) {
    return `The default of ${name} is ${written(came.after)} since vLLM ${releaseName(release)}; before it was ${written(came.before)}.`;
  }
  const comes = defaultChange(name, release + 1);
  return comes === undefined
    ? undefined
    : `The default of ${name} is ${written(comes.before)}; vLLM ${releaseName(release + 1)} makes it ${written(comes.after)}.`;
}

function written(value: string | number | boolean | null): string {
  return value === null ? 'chosen at start' : value === '' ? 'empty' : String(value);
}
