#!/bin/sh
# A program of one's own without an engine that pages its cache: the largest batch is what memory allows.
# loadline: engine=static-batch gpu=h200
exec python generate.py \
  --model ./models/llama-30b \
  --input_len 512 --max_new_tokens 64 \
  --batch_size 64 \
  --prompts prompts.jsonl
