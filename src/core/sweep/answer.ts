/** The answer to the plan's question, in words: what the figures say, and what was left out of it. */
import type { AnswerInput, PartialAnswer } from './answers/answerInput.ts';
import { chatAnswer } from './answers/chat.ts';
import type { RunResults } from './run.ts';
import { simulatedWords } from './usable.ts';

export interface Answer {
  readonly answer: string | null;
  /** Why there is none, where there is none for another reason than the figures. */
  readonly warnings: readonly string[];
}

/** Of a run that is over. Simulated figures are named so in the sentence itself. */
export function answerQuestion(input: AnswerInput, outcome: RunResults['outcome']): Answer {
  const { question, mode } = input;
  if (question === null) return { answer: null, warnings: [] };
  const { sentences, warnings = [] } = answerOf(question, input);
  if (sentences.length === 0) return { answer: null, warnings };
  const end =
    outcome === 'completed'
      ? []
      : [
          `The run was ${outcome === 'failed' ? 'ended by a failure' : outcome}: only what was measured by then counts.`,
        ];
  return { answer: simulatedWords(mode) + [...sentences, ...end].join(' '), warnings };
}

function answerOf(question: NonNullable<AnswerInput['question']>, input: AnswerInput): PartialAnswer {
  switch (question) {
    case 'chat':
      return chatAnswer(input);
    default:
      return {
        sentences: [],
        warnings: [`The answer to "${question}" is not covered yet: this run has its table only.`],
      };
  }
}
