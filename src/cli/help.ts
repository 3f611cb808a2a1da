const overview = `loadline: does it fit, how many users will it carry, what does it cost

  loadline fit [files] [--model … --gpu …]     does a deployment fit a GPU, and with how much room
  loadline log <file…> [--against config]      what engines logged at start, beside what is predicted
  loadline calibration [--undo]                what measured starts correct in estimates
  loadline rank --model … --rate … …           which GPUs and cloud instances carry a load, cheapest first
  loadline sweep <plan.sweep.yaml>             run a sweep plan on its host, and follow it
  loadline follow [run]                        follow a run that goes on
  loadline resume [run]                        go on with a run that was cut off or cancelled
  loadline cancel [run]                        end a run; done when nothing of it is left
  loadline load <url>                          load a server that runs already, from this machine
  loadline watch [host]                        live figures of the host's GPUs
  loadline report [run]                        write the report of a run again
  loadline import <file|folder…>               results of another load generator, as runs of this folder
  loadline help <command>                      its options

A run is named by its folder or its name; left out, it is the newest one of this folder's .loadline/runs.
All commands take --json: the result alone, as JSON on stdout. Progress and problems go to stderr.

Exit codes: 0 done (fit: fits, tight or not known); 1 does not fit, or the run gave no result; 2 bad input, nothing was
started; 3 a host or a file could not be used; 130 Ctrl-C (a run that was started goes on).`;

const runOptions = `  --host NAME        in place of the host that the run was started on
  --workspace DIR    folder whose .loadline/runs holds the run (default: the nearest above here that has one)
  --json             the results as JSON`;

const details: Readonly<Record<string, string>> = {
  fit: `loadline fit FILE…                  deployments written in files (vLLM configs, launch scripts, manifests); - is stdin
loadline fit --model M --gpu G      one deployment from options
loadline fit --requests FILE        a request a line, a result a line (JSON lines); - is stdin

  --model M              folder, config.json, name of a model that Loadline knows, or hub id of one that was downloaded
  --hub                  ask the model hub for what is not on this machine; its token: HF_TOKEN, or hf auth login
  --endpoint URL         the hub's address (HF_ENDPOINT, else https://huggingface.co)
  --gpu G                id (h100-sxm-80gb), short form (h100) or the driver's name; for files: where they name none
  --gpu-count N          GPUs (1)
  --engine E             vllm, or static-batch: transformers, DeepSpeed, Triton's python backend (vllm)
  --engine-version V     version whose defaults count
  --entrypoint serve|llm the server, or the offline class (serve)
  --set FLAG=VALUE       an engine flag; again for more; a bare FLAG is a switch. For files: over what they say
  --batch B --input I --output O   load that speed is estimated for
  --weights-bytes N      bytes of the checkpoint, in place of the formula
  --cuda-total-bytes N   GPU memory as the host reports it, in place of the catalogue
  --requests FILE        each line an object with these options as keys; options given here stand where a line has none
  --uncalibrated         leave out what .loadline/calibration.json says was measured
  --json                 the estimates as JSON (docs/formats.md)

Exit code: 0 fits, tight or not known; 1 something does not fit; 2 bad input.`,
  log: `loadline log FILE…                  start-up logs of vLLM, SGLang, llama.cpp, TGI, TensorRT-LLM; - is stdin

  --against FILE     deployment that the log is of: predicted beside measured, term by term
  --calibrate        with --against: let the log correct later estimates for this GPU, engine version and model family
  --workspace DIR    folder that gets .loadline/calibration.json (default: the nearest above here with .loadline, else this one)
  --gpu G            the GPU, where that file names none
  --gpu-count N      GPUs, where that file names none
  --json             an array, one record a start (docs/formats.md)

Exit code: 0 read, whatever the starts came to; 2 bad input.`,
  rank: `loadline rank --model M --input I --output O (--rate R | --concurrency N)

  --model M              folder, config.json or name of a model that Loadline knows
  --input I --output O   tokens of a request
  --rate R               requests a second
  --concurrency N        requests in flight, in place of a rate
  --slo-ttft-ms X        mean time to first token to keep
  --slo-tpot-ms Y        mean time per output token to keep
  --gpu G                only this GPU; again for more (default: the whole catalogue)
  --instances            cloud instances only
  --prices FILE          JSON of your own prices, dollars an hour: {"h100-sxm-80gb": 2.5, "p5.48xlarge": 98.32}
  --all                  every row; else the best 15 of each table
  --engine, --engine-version, --entrypoint, --set, --weights-bytes, --hub, --endpoint   as for fit
  --json                 the ranking as JSON (docs/formats.md)

Exit code: 0 something carries it; 1 nothing does; 2 bad input.`,
  calibration: `loadline calibration

  --undo             take back what the last \`loadline log --calibrate\` added
  --workspace DIR    folder whose .loadline has it (default: the nearest above here that has one)
  --json             the calibration as JSON (docs/formats.md)`,
  sweep: `loadline sweep PLAN.sweep.yaml

  --rehearse         on a simulated engine, without a GPU: everything it gives says simulated
  --host NAME        in place of the plan's hosts; this-machine is one
  --dry-run          show cells, predictions, starts, time and commands (--json: as JSON), and start nothing
  --detach           start the run and leave it to itself
  --workspace DIR    folder that gets .loadline/runs (default: the nearest above here that has one, else this one)
  --json             the results as JSON

Ctrl-C leaves: the run goes on at its host. \`loadline follow\` shows it again, \`loadline cancel\` ends it.`,
  follow: `loadline follow [RUN]

${runOptions}`,
  resume: `loadline resume [RUN]

Goes on at the first cell without a result, and follows. Where the driver, a GPU, the engine's version or the cells are not
what they were when the run started, that is refused: what is measured now would not compare with what was.

  --accept-changes   go on all the same; the results say what changed
  --detach           leave it to itself
${runOptions}`,
  cancel: `loadline cancel [RUN]

${runOptions}`,
  load: `loadline load URL

Loads a server that runs already, from this machine, and says how fast it is. Its address as OpenAI clients are given it:
http://127.0.0.1:8000, https://host/v1. The API key comes from LOADLINE_API_KEY or a file.

  --model M              served model (default: the only one that /v1/models lists)
  --concurrency N        closed loop: requests always in flight (32)
  --rate R               open loop: requests a second, whatever became of those before
  --arrivals A           poisson, constant, gamma:SHAPE, burst, burst:SIZE (poisson)
  --max-concurrency N    of an open loop: what is due meanwhile waits, and its wait counts
  --ramp S               the users of a closed loop begin over S seconds; of a rate: FROM,S[,exponential]
  --offline              all requests at once: a batch
  --trace FILE           recorded requests at their times: JSON lines with timestamp (ms), input_length, output_length
  --speed N              2 replays the trace in half the time (1)
  --requests N           measured requests (256, and 8 for each in flight); with --seconds, the most of them
  --seconds S            ends the load by time
  --warmup N             requests before the measured ones (as many as are in flight, or 8)
  --input L --output L   tokens of prompts and answers: 200, normal:200,40, lognormal:200,40, uniform:100,300,
                         empirical:120,180,300 (normal:200,40 and normal:100,10)
  --api chat|completions route (completions)
  --prompt token-ids|text   what prompts are made of (token-ids where the route takes them)
  --shared-prefix T[,G]  the first T tokens of a prompt are shared, in G groups
  --turns N              conversations of N requests, each with what was said before; --think MS between them
  --slo-ttft-ms X --slo-tpot-ms Y --slo-tokens Z   counts as goodput what keeps all of them; Z: tokens/s of a request
  --seed N               lengths and arrivals follow from it (1)
  --processes N          of the load generator (as many as it takes, at most a processor less than there are)
  --api-key-file FILE    holds the key, in place of LOADLINE_API_KEY
  --json                 the result as JSON (docs/formats.md)

Ctrl-C ends the load with what was measured until then. Exit code: 0 measured; 1 no request succeeded; 2 bad input;
3 the server cannot be reached or refuses; 130 Ctrl-C.`,
  watch: `loadline watch [HOST]              default: this-machine

  --interval MS          between samples (1000)
  --seconds N            end after so long
  --device KIND          auto, nvml, nvidia-smi, amd-sysfs, or recorded:NAME (auto)
  --study                six times a second, as the study of LLaMA-30B sampled: utilisation, memory, PCIe
  --record FILE          write the samples to a new file too; it opens in the editor as a recording
  --csv                  a line a GPU and sample, separated by commas
  --json                 one JSON record a line

A lost connection is made again; what was missed is a gap with its cause.`,
  import: `loadline import FILE|FOLDER…

Result files of another load generator become runs in .loadline/runs, with a report; the editor's Runs view shows them. Files of one tool
are one run: a cell for each load, files of the same load are repeats.

  vllm bench serve       JSON of --save-result (--save-detailed has single requests), folders of vllm bench sweep serve
  vllm bench throughput, vllm bench latency   JSON of --output-json
  sglang.bench_serving   JSON lines of --output-file (--output-details has single requests)
  guidellm               JSON, 0.3 to 0.8
  aiperf                 profile_export_aiperf.json, profile_export.jsonl, .csv, or their folder
  genai-perf             *_genai_perf.json, *_genai_perf.csv
  perf_analyzer          CSV of -f, JSON of --profile-export-file
  LLMPerf                *_summary.json, *_individual_responses.json
  inference-perf         stage_N_lifecycle_metrics.json, or their folder
  genai-bench            JSON of a scenario, or the experiment's folder

  --dry-run          show what is in them, and write nothing
  --workspace DIR    folder that gets .loadline/runs (default: the nearest above here that has one, else this one)
  --json             the runs as a JSON array, each as results.json`,
  report: `loadline report [RUN]

  --format html|md|csv|json   one of them (default: all)
  --output FILE      in place of the run folder; - for stdout
  --compare RUN      the difference of this run and another, cell by cell, with its interval, in place of a report
  --calibrate        let the logs of the run's engines correct later estimates for this GPU, engine version and model family
  --workspace DIR    folder whose .loadline/runs holds the run
  --json             results.json, made again from the journal`,
};

/** undefined where there is no such command. */
export function helpText(command: string | undefined): string | undefined {
  if (command === undefined) return overview;
  return Object.hasOwn(details, command) ? details[command] : undefined;
}
