import type { ConfigFields } from './configFields.ts';
import { familyOf } from './families/registry.ts';
import type { ModelFamily } from './family.ts';
import { textSection, withOuterTie } from './textSection.ts';
import { type TowerFamily, towerWeights } from './towers.ts';

/** Reads the text model by its own family and adds the towers; undefined where no family reads the text model. */
export function towerReader(
  whole: ConfigFields,
  tower: TowerFamily,
): { readonly family: ModelFamily; readonly fields: ConfigFields } | undefined {
  // Older files have the text model's fields at the top.
  const nested = textSection(whole);
  const type = nested?.value('model_type');
  const text = (typeof type === 'string' ? familyOf(type) : undefined) ?? familyOf(tower.textModelType);
  if (text === undefined) return undefined;
  const fields = (nested === undefined ? whole : withOuterTie(nested, whole)).withDefaults({
    ...text.defaults,
    ...tower.textDefaults,
    ...(tower.tiedEmbeddings === undefined ? {} : { tie_word_embeddings: tower.tiedEmbeddings }),
  });
  return {
    fields,
    family: {
      ...text,
      architecture: tower.architecture,
      shape(ofText, ofWhole) {
        const shape = text.shape(ofText, ofWhole);
        const weights = towerWeights(tower.towers(ofWhole, ofText));
        return { ...shape, outerWeights: [...shape.outerWeights, ...weights] };
      },
    },
  };
}
