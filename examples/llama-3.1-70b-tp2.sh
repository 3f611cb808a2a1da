#!/bin/sh
# Llama 3.1 70B in fp8, split over two H100s: fits. Each GPU holds half of the weights and half of the KV cache.
# loadline: gpu=h100-sxm-80gb x2 engine=0.26.0
exec vllm serve meta-llama/Llama-3.1-70B-Instruct \
  --tensor-parallel-size 2 \
  --quantization fp8 \
  --max-model-len 16384 \
  --max-num-seqs 64
