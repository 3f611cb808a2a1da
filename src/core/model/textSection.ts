import type { ConfigFields } from './configFields.ts';

/** Where files of models that also see or hear keep their text model. */
const SECTIONS = ['text_config', 'llm_config', 'language_config', 'thinker_config', 'language_model_config'];

/** The text model's fields, however deep (Qwen-Omni has two levels); undefined where nothing is nested. */
export function textSection(fields: ConfigFields): ConfigFields | undefined {
  const name = SECTIONS.find((section) => fields.value(section) !== undefined);
  const section = name === undefined ? undefined : fields.section(name);
  return section === undefined ? undefined : (textSection(section) ?? section);
}

/** The head is tied as the whole file says where it says so; else as its text model's part says. */
export function withOuterTie(text: ConfigFields, whole: ConfigFields): ConfigFields {
  const tied = whole.value('tie_word_embeddings');
  return typeof tied === 'boolean' ? text.withValues({ tie_word_embeddings: tied }) : text;
}
