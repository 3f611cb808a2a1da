#!/bin/sh
# Llama 3.1 8B with its whole context of 131,072 tokens on one RTX 4090: does not fit. The quick fixes say what would.
# loadline: gpu=rtx-4090-24gb engine=0.26.0
exec vllm serve meta-llama/Llama-3.1-8B-Instruct \
  --max-model-len 131072 \
  --port 8000
