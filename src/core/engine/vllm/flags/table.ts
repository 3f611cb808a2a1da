// Made by test/tools/vllmFlags.mjs from test/fixtures/vllm-flags/options.json. Do not edit.

/**
 * One line an option: name, letter of its kind (b: switch), then `release=default` by place in RELEASES, or `!release` where it
 * went.
 */
export const FLAG_TABLE = `
additional-config j 1
aggregate-engine-logging b 4=false
all2all-backend s 4 6="allgather_reducescatter"
allow-credentials b 0
allow-deprecated-quantization b 6=false
allowed-headers j 0
allowed-local-media-path s 0=""
allowed-media-domains j 4
allowed-methods j 0
allowed-origins j 0
anthropic-disabled-thinking-effort s 19
api-key s 0
api-server-count i 2
async-scheduling b 3=false 6
attention-backend s 5
attention-config j 5
aux-output-config j 19
block-size i 0
calculate-kv-scales b 1=false !16
chat-template s 0
chat-template-content-format s 0
code-revision s 0
cohere-format s 15
cohere-is-reasoning-model b 15
collect-detailed-traces j 0
compilation-config j 0
config s 1
config-format s 0 3="auto"
convert s 3="auto"
cp-kv-cache-interleave-size i 5=1 18
cpu-distributed-timeout-seconds i 10
cpu-offload-gb n 0=0
cpu-offload-params s 7
cuda-graph-sizes j 2 !5
cudagraph-capture-sizes j 4
cudagraph-metrics b 5=false
custom-histogram-buckets j 20
data-parallel-address s 2
data-parallel-backend s 2="mp"
data-parallel-external-lb b 4=false
data-parallel-hybrid-lb b 3=false
data-parallel-multi-port-external-lb b 10=false
data-parallel-rank i 2
data-parallel-rpc-port i 2
data-parallel-size i 1=1
data-parallel-size-local i 2
data-parallel-start-rank i 3
data-parallel-supervisor-port i 10
dbo-decode-token-threshold i 4=32
dbo-prefill-token-threshold i 4=512
dcp-comm-backend s 8="ag_rs" 17
dcp-kv-cache-interleave-size i 4=1
dcp-q-replicate b 17
decode-context-parallel-size i 3=1
default-chat-template-kwargs j 6
default-mm-loras j 3
device s 0="auto" !3
device-ids j 12
diffusion-config j 12
disable-access-log-for-endpoints s 7
disable-async-output-proc b 0=false 2 !4
disable-cascade-attn b 1=false 8=true 20
disable-chunked-mm-input b 1=false
disable-custom-all-reduce b 0=false
disable-fastapi-docs b 0
disable-frontend-multiprocessing b 0 !8
disable-hybrid-kv-cache-manager b 2=false 5
disable-log-requests b 0=false !3
disable-log-stats b 0=false
disable-logprobs-during-spec-decoding b 0 !1
disable-mm-preprocessor-cache b 0=false !5
disable-nccl-for-dp-synchronization b 4=false 6
disable-sliding-window b 0=false
disable-uvicorn-access-log b 1
distributed-executor-backend s 0
distributed-timeout-seconds i 8
download-dir s 0
dp-supervisor-probe-failure-threshold i 10
dp-supervisor-probe-interval-s n 10
dp-supervisor-probe-timeout-s n 10
dp-sync-interval i 18=16
dtype s 0="auto"
ec-manager-config j 16
ec-transfer-config j 4
elastic-ep-max-dp-size i 18
enable-auto-tool-choice b 0
enable-batch-sharded-sampling b 17
enable-bf16x3-router-gemm b 14 !18
enable-chunked-prefill b 0
enable-cumem-allocator b 10=false
enable-dbo b 4=false
enable-elastic-ep b 7=false
enable-ep-weight-filter b 8=false
enable-eplb b 2=false
enable-expert-parallel b 1=false
enable-fault-tolerance b 15=false
enable-flash-late-interaction b 9
enable-flashinfer-autotune b 7
enable-force-include-usage b 2
enable-hc-sp b 20=false
enable-layerwise-nvtx-tracing b 5=false
enable-log-deltas b 6
enable-log-outputs b 3
enable-log-requests b 3=false
enable-logging-iteration-details b 6=false
enable-lora b 0=false
enable-lora-bias b 0=false !4
enable-mamba-cache-stochastic-rounding b 9=false
enable-mamba-fine-grained-prefix-cache b 18=false !19
enable-mamba-shared-prefix-checkpoint b 19=false
enable-mfu-metrics b 6=false
enable-mixed-moe-lora-format b 10=false
enable-mm-embeds b 4=false
enable-mm-processor-stats b 6=false
enable-moe-shared-loras b 14=false
enable-multimodal-encoder-data-parallel b 2=false !5
enable-nccl-comm-suspend b 18=false
enable-offline-docs b 6
enable-per-request-metrics b 13
enable-prefix-caching b 0
enable-prompt-adapter b 0=false !3
enable-prompt-embeds b 2=false
enable-prompt-tokens-details b 0
enable-reasoning b 1 !3
enable-request-id-headers b 0
enable-return-routed-experts b 6=false
enable-scale-out b 18
enable-server-load-tracking b 1
enable-shm-tensor-arena b 20=false
enable-sleep-mode b 1=false
enable-ssl-refresh b 1
enable-tokenizer-info-endpoint b 3
enable-tower-connector-lora b 6=false
enable-trace-replay b 17=false
enforce-eager b 0 2=false
engram-config j 18
eplb-config j 3
eplb-log-balancedness b 2=false !5
eplb-step-interval i 2=3000 !5
eplb-window-size i 2=1000 !5
exclude-tools-when-tool-choice-none b 3
expand-tools-even-if-tool-choice-none b 2 !3
expert-placement-strategy s 4="linear"
fail-on-environ-validation b 7=false
fault-tolerance-config j 15
fingerprint-mode s 9
fingerprint-value s 9
fully-sharded-loras b 0=false
gdn-prefill-backend s 8
generation-config s 0 1="auto"
gpu-memory-utilization n 0=0.9 9=0.92
grpc b 8
grpc-port i 20
guided-decoding-backend s 0="xgrammar" 1 3="auto" 4 !5
guided-decoding-disable-additional-properties b 2=false 4 !5
guided-decoding-disable-any-whitespace b 2=false 4 !5
guided-decoding-disable-fallback b 2=false 4 !5
h11-max-header-count i 3
h11-max-incomplete-event-size i 3
headless b 2
hf-config-path s 1
hf-overrides j 0
hf-token s 1
host s 0
ignore-patterns s 0
interleave-mm-strings b 3=false
io-processor-plugin s 3
ir-op-priority j 9
jit-monitor-mode s 13="warn"
jit-monitor-verbose b 12=false
kda-decode-backend s 18
kda-prefill-backend s 15
kernel-config j 7
kv-cache-dtype s 0="auto"
kv-cache-dtype-skip-layers j 8
kv-cache-memory-bytes i 3
kv-cache-metrics b 5=false
kv-cache-metrics-sample n 5=0.01
kv-events-config j 2
kv-offloading-backend s 4 6="native"
kv-offloading-size n 4
kv-sharing-fast-prefill b 3=false
kv-transfer-config j 0
language-model-only b 7=false
limit-mm-per-prompt j 0
linear-backend s 10="auto"
load-format s 0="auto" 1 3="auto"
log-config-file s 19
log-error-stack b 3
log-level s 19
logging-config j 19
logits-processor-pattern s 0 !7
logits-processors j 3
logprobs-mode s 3 4="raw_logprobs"
long-lora-scaling-factors j 0 !3
long-prefill-token-threshold i 1=0
long-prefill-token-threshold-adaptive b 19=false
lora-dtype s 0="auto"
lora-extra-vocab-size i 0=256 !5
lora-modules s 0
lora-target-modules j 8
mamba-backend s 9
mamba-block-size i 4
mamba-cache-dtype s 3="auto"
mamba-cache-mode s 6="none" 21
mamba-cache-philox-rounds i 9=0
mamba-config j 9
mamba-ssm-cache-dtype s 3="auto"
mamba-ssu-algorithm s 15
master-addr s 4="127.0.0.1"
master-port i 4=29501
max-cpu-loras i 0
max-cudagraph-capture-size i 4
max-log-len i 0
max-logprobs i 0=20
max-long-partial-prefills i 1=1 !15
max-lora-cls-labels i 19
max-lora-rank s 0=16
max-loras i 0=1
max-model-len i 0
max-num-active-seqs i 19
max-num-batched-tokens i 0
max-num-partial-prefills i 1=1 !15
max-num-queued-reqs i 17
max-num-queued-tokens i 17
max-num-scheduled-tokens i 14
max-num-seqs i 0
max-parallel-loading-workers i 0
max-prompt-adapter-token i 0=0 !3
max-prompt-adapters i 0=1 !3
max-seq-len-to-capture i 0=8192 !4
media-io-kwargs j 2
middleware s 0
mm-device-do-normalize b 16=true
mm-encoder-attn-backend s 4
mm-encoder-attn-dtype s 9
mm-encoder-fp8-scale-path s 9
mm-encoder-fp8-scale-save-margin n 9=1.5
mm-encoder-fp8-scale-save-path s 9
mm-encoder-only b 6=false
mm-encoder-tp-mode s 3="weights"
mm-hasher-algorithm s 15 18="blake3"
mm-ipc-gpu-memory-gb n 13=0
mm-processor-cache-gb n 3=4
mm-processor-cache-type s 4="lru"
mm-processor-device s 16="auto"
mm-processor-kwargs j 0
mm-shm-cache-max-object-size-mb i 4=128
mm-tensor-ipc s 8="direct_rpc"
model s 0="facebook/opt-125m" 3="Qwen/Qwen3-0.6B"
model-class-overrides j 13
model-impl s 1="auto" 2 4="auto"
model-loader-extra-config j 0
moe-backend s 7="auto"
monokernel b 21=false
multi-step-stream-outputs b 0=true !3
ngram-prompt-lookup-max i 0 !1
ngram-prompt-lookup-min i 0 !1
nnodes i 4=1
node-rank i 4=0
num-gpu-blocks-override i 0
num-lookahead-slots i 0=0 !5
num-redundant-experts i 2=0 !5
num-scheduler-steps i 0=1 !3
num-speculative-tokens i 0 !1
numa-bind b 9=false
numa-bind-cpus j 9
numa-bind-nodes j 9
offload-backend s 7="auto"
offload-group-size i 7=0
offload-num-in-group i 7=1
offload-params s 7
offload-prefetch-step i 7=1
optimization-level s 5
otlp-traces-endpoint s 0
override-attention-dtype s 2 !16
override-generation-config j 1
override-neuron-config j 0 !3
override-pooler-config j 0 !5
per-request-spec-decode-metrics s 17="none"
performance-mode s 7="balanced"
pipeline-parallel-size i 0=1
pooler-config j 4
port i 0
preemption-mode s 0 !4
prefill-context-parallel-size i 5=1
prefill-schedule-interval i 12=1
prefix-cache-retention-interval i 17 18=0
prefix-caching-hash-algo s 1="builtin" 3="sha256"
prefix-match-unit i 14
profiler-config j 5
prompt-adapters s 0 !3
pt-load-map-location s 2="cpu"
qlora-adapter-name-or-path s 0 !3
quantization s 0
quantization-config s 9
quantization-param-path s 0 !1
ray-workers-use-nsight b 0=false
reasoning-config j 8
reasoning-effort-map j 21
reasoning-parser s 1 2=""
reasoning-parser-plugin s 4
renderer-num-workers i 8=1
replayssm-buffer-len i 15=16
response-role s 0
return-sampling-mask b 16=false
return-tokens-as-token-ids b 0
revision s 0
root-path s 0
rope-scaling j 0 !4
rope-theta n 0 !4
runner s 3="auto"
safetensors-load-strategy s 3="lazy" 8
safetensors-prefetch-block-size i 9
safetensors-prefetch-num-threads i 9
scheduler-cls s 1="vllm.core.scheduler.Scheduler" 4
scheduler-delay-factor n 0=0 !4
scheduler-reserve-full-isl b 8=true
scheduling-policy s 0="fcfs"
seed i 0=0 1 5=0
served-model-name s 0
show-hidden-metrics-for-version s 1
shutdown-timeout i 8=0
skip-mm-profiling b 3=false
skip-tokenizer-init b 0=false
sleep-mode-backend s 21="cumem"
sleep-mode-offload-cudagraph b 20=false
sleep-preserve-parameter-names j 19
sparse-indexer-topk-backend s 18="auto"
spec-decoding-acceptance-method s 0="rejection_sampler" !1
spec-method s 10
spec-model s 10
spec-tokens i 10
specialize-active-lora b 7=false
speculative-config j 1
speculative-disable-by-batch-size i 0 !1
speculative-disable-mqa-scorer b 0=false !1
speculative-draft-tensor-parallel-size i 0 !1
speculative-max-model-len i 0 !1
speculative-model s 0 !1
speculative-model-quantization s 0 !1
sse-keep-alive-interval i 17
ssl-ca-certs s 0
ssl-cert-reqs i 0
ssl-certfile s 0
ssl-ciphers s 6
ssl-keyfile s 0
stream-interval i 4=1
structured-outputs-config j 4
swa-bounded-replay b 19=true
swap-space n 0=4 !8
task s 0="auto" 3 !5
tensor-parallel-size i 0=1
tokenizer s 0
tokenizer-mode s 0="auto"
tokenizer-pool-extra-config j 0 !3
tokenizer-pool-size i 0=0 !3
tokenizer-pool-type s 0="ray" !3
tokenizer-revision s 0
tool-call-parser s 0
tool-parser-plugin s 0
tool-server s 3
tool-strict-level s 19
trust-remote-code b 0=false
trust-request-chat-template b 4
trust-request-mm-kwargs b 19
typical-acceptance-sampler-posterior-alpha n 0 !1
typical-acceptance-sampler-posterior-threshold n 0 !1
ubatch-size i 6=0
uds s 3
use-fp64-gumbel b 10=false
use-gpu-for-pooling-score b 7 !8
use-replayssm b 15=false
use-tqdm-on-load b 1=true
use-v2-block-manager b 0=true !3
uvicorn-log-level s 0
video-pruning-method s 15="evs"
video-pruning-rate n 4
watchdog-config j 21
watermark n 12=0
watermark-config j 18
weight-transfer-config j 7
worker-cls s 0="auto"
worker-extension-cls s 1=""
worker-use-ray b 0=false !1
`;
