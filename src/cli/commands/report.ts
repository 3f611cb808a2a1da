import { relative, resolve } from 'node:path';
import { reportHtml } from '../../core/sweep/reportHtml.ts';
import { reportMarkdown } from '../../core/sweep/reportMarkdown.ts';
import { writeFileAtomically } from '../../storage/atomicFile.ts';
import { writeReports } from '../../storage/runReport.ts';
import { BadInput } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { parseOptions } from '../options.ts';
import { runOptions, runPlace } from '../runPlaces.ts';
import { readReportInput, writeResults } from '../runReports.ts';
import type { Terminal } from '../terminal.ts';

/** Makes results.json and the reports again from what the run folder has. Asks no host. */
export async function reportCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('report', argv, {
    workspace: runOptions.workspace,
    format: { type: 'string' },
    output: { type: 'string', short: 'o' },
  });
  const format = given.text('format');
  if (format !== undefined && format !== 'html' && format !== 'md')
    throw new BadInput(`--format: html or md, not "${format}".`);
  const place = await runPlace(given, terminal.cwd);
  const input = await readReportInput(place, false);
  const output = given.text('output');
  if (output !== undefined) {
    const content = (format ?? formatOf(output)) === 'md' ? reportMarkdown(input) : reportHtml(input);
    if (output === '-') terminal.out(content.trimEnd());
    else await writeFileAtomically(resolve(terminal.cwd, output), content);
    return exitCodes.ok;
  }
  await writeResults(place, input.results);
  const files = await writeReports(place.directory, input);
  if (given.isSet('json')) terminal.out(JSON.stringify(input.results, null, 2));
  else {
    const wanted =
      format === 'html' ? [files.html] : format === 'md' ? [files.markdown] : [files.html, files.markdown];
    for (const file of wanted) terminal.out(relative(terminal.cwd, file) || file);
  }
  return exitCodes.ok;
}

function formatOf(output: string): 'html' | 'md' {
  return /\.(md|markdown)$/i.test(output) ? 'md' : 'html';
}
