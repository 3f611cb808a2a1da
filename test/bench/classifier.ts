import { classify } from '../../src/text/classify.ts';
import { composeFile } from './keystroke.ts';

/** Microseconds that the classifier takes of the CPU for the slowest of several files, most of them none of our business. */
export function benchClassifier(): { readonly files: number; readonly worstMicroseconds: number } {
  const line = 'metadata: { name: a-service-of-the-usual-kind, labels: { app: web, tier: vllm-free } }\n';
  const files = [
    { path: 'values.yaml', text: line.repeat(Math.ceil(200_000 / line.length)) },
    {
      path: 'all.yaml',
      text: `apiVersion: v1\nkind: List\n${'key: value of vllm, in words\n'.repeat(7000)}`,
    },
    {
      path: 'compose.yaml',
      text: `services:\n${'  a:\n    image: nginx\n    command: [serve]\n'.repeat(5000)}`,
    },
    { path: 'compose.yaml', text: composeFile(20, 8192) },
    { path: 'build.sh', text: `#!/bin/sh\n${'echo "not a launch of anything"\n'.repeat(6000)}` },
    { path: 'Dockerfile', text: `FROM python:3.12\n${'RUN pip install something\n'.repeat(6000)}` },
    { path: 'data.json', text: '{"a": 1}'.repeat(25_000) },
  ];
  const rounds = 200;
  const times = files.map(({ path, text }) => {
    for (let i = 0; i < 20; i++) classify(text, { path });
    const before = process.cpuUsage();
    for (let i = 0; i < rounds; i++) classify(text, { path });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / rounds;
  });
  return { files: files.length, worstMicroseconds: Math.max(...times) };
}
