#!/bin/sh
# Its whole context on one RTX 4090: the quick fixes say what would fit.
# loadline: gpu=rtx-4090-24gb engine=0.26.0
exec vllm serve meta-llama/Llama-3.1-8B-Instruct \
  --max-model-len 131072 \
  --port 8000
