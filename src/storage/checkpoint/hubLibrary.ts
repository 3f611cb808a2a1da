/** What is used of the hub's own client. A bundle of its own (esbuild.mjs), loaded on first use. */
export { downloadFile, modelInfo, parseSafetensorsMetadata } from '@huggingface/hub';
