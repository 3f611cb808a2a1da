import { expect, it } from 'vitest';
import { previewMarkdown } from '../../../src/core/sweep/planHover.ts';
import { addedLine, type PlanPreview, planPreview } from '../../../src/core/sweep/preview.ts';
import { chatPlan, planOf } from './plans.ts';

const about = { mode: 'measured', device: 'NVIDIA H200', hosts: ['gpu-1'] } as const;

function preview(...commands: string[]): PlanPreview {
  return planPreview(planOf(chatPlan), { cells: [], searches: [], starts: new Map() }, about, commands);
}

it('keeps a command of several lines in its block, whatever stands in them', () => {
  const text = previewMarkdown(preview("vllm serve m --chat-template '\n# heading ![](http://x)\n'"));
  const lines = text.split('\n').filter((line) => /serve|heading|^ *'$/.test(line));
  expect(lines).toEqual(["    vllm serve m --chat-template '", '    # heading ![](http://x)', "    '"]);
});

it('says what is added to the commands, and nothing of what runs already', () => {
  expect(previewMarkdown(preview('vllm serve m'))).toContain('a free port on 127.0.0.1');
  expect(addedLine(preview('(runs already) http://127.0.0.1:8000'))).toBeUndefined();
});
