/** The answer to the plan's question, in words: what the figures say, and what was left out of it. */
import type { AnswerInput, PartialAnswer } from './answers/answerInput.ts';
import { batchParallelAnswer } from './answers/batchParallel.ts';
import { chatAnswer } from './answers/chat.ts';
import { costAnswer } from './answers/cost.ts';
import { memoryLimitAnswer } from './answers/memoryLimit.ts';
import { mpsAnswer } from './answers/mps.ts';
import { searchSentences } from './answers/search.ts';
import type { Question } from './planSchema.ts';
import type { RunResults } from './run.ts';
import { simulatedWords } from './usable.ts';

export interface Answer {
  readonly answer: string | null;
  /** Why there is none, where there is none for another reason than the figures. */
  readonly warnings: readonly string[];
}

/** Of a run that is over. Simulated figures are named so in the sentence itself. Searches answer by themselves, whatever was asked. */
export function answerQuestion(input: AnswerInput, outcome: RunResults['outcome']): Answer {
  const { question, mode, searches, cells } = input;
  const { sentences, warnings = [] } = question === null ? { sentences: [] } : answerOf(question, input);
  const said = [...sentences.slice(0, 1), ...searchSentences(searches, cells), ...sentences.slice(1)];
  if (said.length === 0) return { answer: null, warnings };
  const end =
    outcome === 'completed'
      ? []
      : [
          `The run was ${outcome === 'failed' ? 'ended by a failure' : outcome}: only what was measured by then counts.`,
        ];
  return { answer: simulatedWords(mode) + [...said, ...end].join(' '), warnings };
}

function answerOf(question: Question, input: AnswerInput): PartialAnswer {
  switch (question) {
    case 'memory-limit':
      return memoryLimitAnswer(input);
    case 'cost':
      return costAnswer(input);
    case 'chat':
      return chatAnswer(input);
    case 'batch-parallel':
      return batchParallelAnswer(input);
    case 'mps':
      return mpsAnswer(input);
  }
}
