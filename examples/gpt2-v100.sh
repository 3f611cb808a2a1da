#!/bin/sh
# GPT-2 on one V100 with a third of its memory: fits. A first point of a memory-limit sweep.
# loadline: gpu=v100-sxm2-16gb engine=0.26.0
exec vllm serve openai-community/gpt2 \
  --dtype float16 \
  --gpu-memory-utilization 0.3
