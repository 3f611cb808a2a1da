/** What is used of the GGUF reader. A bundle of its own (esbuild.mjs), loaded on first use. */
export { gguf } from '@huggingface/gguf';
