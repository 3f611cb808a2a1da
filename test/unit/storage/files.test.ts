import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StorageError, storageError, writeFileAtomically } from '../../../src/storage/atomicFile.ts';
import {
  ensureRunFolder,
  listRunFolders,
  parseJournal,
  readJournal,
  runFolder,
} from '../../../src/storage/runFolder.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';

const folder = () => temporaryFolder('storage');

describe('writeFileAtomically', () => {
  it('writes new and old files whole, with the mode given, and leaves nothing beside them', async () => {
    const file = join(folder(), 'deep', 'file');
    await writeFileAtomically(file, 'one', { mode: 0o600 });
    await writeFileAtomically(file, 'two', { mode: 0o600 });
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, '..'))).toEqual(['file']);
  });

  it('leaves one of the contents whole where many write at once', async () => {
    const file = join(folder(), 'file');
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomically(file, content)));
    expect(contents).toContain(readFileSync(file, 'utf8'));
    expect(readdirSync(join(file, '..'))).toEqual(['file']);
  });

  it('says what it could not write, keeps what was there and cleans up', async () => {
    const file = join(folder(), 'file');
    mkdirSync(join(file, 'in-the-way'), { recursive: true });
    const failed = writeFileAtomically(file, 'x');
    await expect(failed).rejects.toBeInstanceOf(StorageError);
    await expect(failed).rejects.toMatchObject({
      path: file,
      diskFull: false,
      message: expect.stringContaining(file),
    });
    expect(readdirSync(join(file, '..'))).toEqual(['file']);
  });

  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('tells a full disk (%s) from other failures', (code) => {
    const error = storageError('/data/file', Object.assign(new Error(code), { code }));
    expect(error).toMatchObject({
      diskFull: true,
      message: expect.stringMatching(/\/data\/file.*no space left/),
    });
    expect(storageError('/other', error)).toBe(error);
  });
});

describe('run folders', () => {
  it('are listed newest first, without what is no run', async () => {
    const workspace = folder();
    expect(await listRunFolders(workspace)).toEqual([]);
    for (const run of ['20261123T120000Z-a', '20261124T120000Z-b']) await ensureRunFolder(workspace, run);
    mkdirSync(join(workspace, '.loadline', 'runs', '.hidden'));
    writeFileSync(join(workspace, '.loadline', 'runs', 'file'), '');
    const runs = await listRunFolders(workspace);
    expect(runs.map(({ run }) => run)).toEqual(['20261124T120000Z-b', '20261123T120000Z-a']);
    expect(runs[0]?.directory).toBe(runFolder(workspace, '20261124T120000Z-b'));
  });

  it('are kept out of commits, unless the user decided otherwise', async () => {
    const workspace = folder();
    await ensureRunFolder(workspace, 'a');
    const ignore = join(workspace, '.loadline', '.gitignore');
    expect(readFileSync(ignore, 'utf8')).toBe('*\n');
    writeFileSync(ignore, '# ours\n');
    await ensureRunFolder(workspace, 'b');
    expect(readFileSync(ignore, 'utf8')).toBe('# ours\n');
  });

  it.each(['..', '../x', 'a/b', '', '.hidden', 'x'.repeat(201), 'a\0'])('cannot be named %j', async (run) => {
    expect(() => runFolder('/workspace', run)).toThrow(RangeError);
    await expect(ensureRunFolder(folder(), run)).rejects.toThrow(RangeError);
  });

  it('that cannot be made are said', async () => {
    const workspace = folder();
    writeFileSync(join(workspace, '.loadline'), 'a file in the way');
    await expect(ensureRunFolder(workspace, 'a')).rejects.toBeInstanceOf(StorageError);
  });
});

describe('a journal', () => {
  const record = (seq: number) =>
    JSON.stringify({ seq, monotonicMs: seq, wallMs: seq, type: 'cell-done', cell: `c${seq}` });
  const lines = Array.from({ length: 5 }, (_, index) => `${record(index)}\n`).join('');

  it('is empty where there is none', async () => {
    expect(await readJournal(folder())).toEqual({ records: [], notes: [] });
  });

  it('that ends anywhere gives its whole records, and says that the last line is torn', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lines.length }), (length) => {
        const text = lines.slice(0, length);
        const { records, notes } = parseJournal(text);
        const whole = text.split('\n').length - 1;
        expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: whole }, (_, index) => index));
        expect(notes).toHaveLength(text === '' || text.endsWith('\n') ? 0 : 1);
      }),
    );
  });

  it('says what it skips and where', () => {
    const text = [
      record(0),
      'not json',
      JSON.stringify({ seq: 1, monotonicMs: 1, wallMs: 1, type: 'later-kind' }),
      JSON.stringify({ seq: 2, monotonicMs: 1, wallMs: 1, type: 'cell-done', cell: 7 }),
      record(3),
      record(3),
      '',
    ].join('\n');
    const { records, notes } = parseJournal(text);
    expect(records.map(({ seq }) => seq)).toEqual([0, 3]);
    expect(notes).toEqual([
      'journal.jsonl:2: not a record; skipped',
      'journal.jsonl:3: a record of the unknown type later-kind; skipped',
      expect.stringMatching(/^journal\.jsonl:4: cell-done has a wrong field \(cell: .*\); skipped$/),
      'journal.jsonl:5: record 3 follows 0; what was in between is missing',
    ]);
  });
});
