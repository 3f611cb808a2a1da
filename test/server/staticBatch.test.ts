import { afterEach, describe, expect, it } from 'vitest';
import { TestClient } from './testClient.ts';

let client: TestClient;
afterEach(async () => {
  await client.stop();
});

async function lensOf(uri: string): Promise<string | undefined> {
  return (await client.lenses(uri))[0]?.command?.title;
}

describe('a program that a comment calls a static batch', () => {
  it.each([
    [
      'shell script',
      'file:///nowhere/run.sh',
      'shellscript',
      '# loadline: engine=static-batch gpu=l4\npython generate.py --model Qwen/Qwen2.5-7B-Instruct --batch_size 512 --temperature 0.7\n',
      '--batch_size 512',
    ],
    [
      "model of Triton's python backend",
      'file:///nowhere/config.pbtxt',
      'pbtxt',
      'backend: "python"\n# loadline: engine=static-batch gpu=l4 model=Qwen/Qwen2.5-7B-Instruct\nmax_batch_size: 512\n',
      'max_batch_size: 512',
    ],
  ])(
    'in a %s has a lens, one mark on its batch, and a fix that sets it',
    async (_, uri, language, text, place) => {
      client = await TestClient.start({ initializationOptions: { engineVersion: '0.26.0' } });
      await client.open(uri, text, language);
      const [diagnostic, ...others] = await client.diagnostics(uri);
      if (!diagnostic) throw new Error('no diagnostic');
      expect(others).toEqual([]);
      expect(diagnostic.code).toBe('verdict.does-not-fit');
      expect(client.document(uri).getText(diagnostic.range)).toBe(place);
      expect(await lensOf(uri)).toContain('does not fit L4');
      const actions = await client.actions(uri, diagnostic.range);
      const fix = actions.find(({ title }) => /batch-size/.test(title));
      if (!fix) throw new Error(`no fix among ${actions.map(({ title }) => title).join(' | ')}`);
      await client.apply(fix);
      const edited = client.document(uri).getText();
      expect(edited).toMatch(/batch_size:? \d{1,2}\b/);
      expect(edited.replace(/(batch_size:? )\d+/, '$1512')).toBe(text);
      expect((await client.diagnostics(uri)).map(({ code }) => code)).not.toContain('verdict.does-not-fit');
      expect(await lensOf(uri)).toContain('L4');
    },
  );
});
