import { execFile } from 'node:child_process';

/** Commit of the repository that a folder is in; null where it is in none, or git is not there. */
export function gitCommit(folder: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('git', ['-C', folder, 'rev-parse', '--verify', 'HEAD'], { timeout: 5000 }, (error, stdout) => {
      resolve(error === null && /^[0-9a-f]{40,64}\s*$/.test(stdout) ? stdout.trim() : null);
    });
  });
}
