"""A stand-in for an engine, started as `kind: command` by the tests of the agent. Not the simulated engine: it only does as told.

Arguments: --host (--hostname), --port, and
--token-ms N      time between tokens (default 1)
--hold PATH       no stream gets a token while this file is there
--print LINE      printed to the log at start; may be repeated
--print-bytes N   so many printed to the log at start, as one line
--exit CODE       ends with CODE after printing, instead of serving
--models JSON     what /v1/models answers
--never-ready     /health answers 503 for ever
--child           starts a child that leaves the group and ignores every signal that can be ignored
--ignore-signals  SIGINT and SIGTERM do nothing
--metrics TEXT    what /metrics answers; {preempted} in it is the number of streams so far
--open            asks for no key
--ids-only        refuses prompts of text and generates none, as an engine without a tokenizer
--as-transformers refuses ignore_eos and ends streams without [DONE], as transformers serve 5.20 does
--key-variable N  where it finds its key
--shard-uds-path P  listens at the socket P-0 and leaves it there, as a shard of TGI that is killed does
--master-port N   taken and not used
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "fake-model"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    options: argparse.Namespace
    answered = 0
    counting = threading.Lock()

    def log_message(self, *_):
        pass

    def answer(self, status, document):
        self.answer_text(status, json.dumps(document))

    def answer_text(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            self.answer(503 if self.options.never_ready else 200, {})
        elif self.path == "/metrics" and self.options.metrics is not None:
            self.answer_text(200, self.options.metrics.replace("{preempted}", str(self.answered)))
        elif self.path == "/version":
            self.answer(200, {"version": self.options.engine_version})
        elif not self.authorized():
            self.answer(401, {"error": "Unauthorized"})
        elif self.path == "/v1/models":
            self.answer_text(200, self.options.models)
        else:
            self.answer(404, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.counting:
            Handler.answered += bool(body.get("stream"))
        if self.options.as_transformers and "ignore_eos" in body:
            self.answer(422, {"detail": "Unexpected fields in the request: {'ignore_eos'}"})
            return
        if isinstance(body.get("prompt"), str) and self.options.ids_only:
            self.answer(400, {"error": "no tokenizer"})
            return
        if not self.authorized():
            self.answer(401, {"error": "Unauthorized"})
        elif body.get("stream"):
            self.stream(body)
        else:
            prompt = body.get("prompt")
            tokens = len(prompt) if isinstance(prompt, list) else 4
            usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
            choice = {"index": 0, "text": "" if self.options.ids_only else "a"}
            self.answer(200, {"id": "x", "object": "text_completion", "choices": [choice], "usage": usage})

    def authorized(self):
        key = os.environ.get(self.options.key_variable)
        return self.options.open or (key is not None and self.headers.get("Authorization") == f"Bearer {key}")

    def stream(self, body):
        tokens = body.get("max_tokens") or body.get("max_completion_tokens")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chat = "chat" in self.path
        for index in range(tokens):
            while self.options.hold is not None and os.path.exists(self.options.hold):
                time.sleep(0.01)
            time.sleep(self.options.token_ms / 1000)
            last = "length" if index + 1 == tokens else None
            choice = {"index": 0, "finish_reason": last, **({"delta": {"content": " a"}} if chat else {"text": " a"})}
            if self.options.ids_only:
                choice.update(text="", token_ids=[7] if body.get("return_token_ids") else None)
            self.event({"id": "x", "choices": [choice]})
        usage = {"prompt_tokens": 8, "completion_tokens": tokens, "total_tokens": 8 + tokens}
        if self.options.as_transformers:
            self.event({"id": "x", "choices": [{"index": 0, "text": "", "finish_reason": "length"}], "usage": usage})
        else:
            self.event({"id": "x", "choices": [], "usage": usage})
            self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def event(self, document):
        self.chunk(b"data: " + json.dumps(document).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        # Small writes would otherwise wait for the client's delayed acknowledgements.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, *_):
        """A client that goes away in mid-answer is what the tests do."""


def options_of(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", "--hostname")
    parser.add_argument("--port", type=int)
    parser.add_argument("--token-ms", type=float, default=1)
    parser.add_argument("--hold")
    parser.add_argument("--print", action="append", default=[])
    parser.add_argument("--print-bytes", type=int, default=0)
    parser.add_argument("--exit", type=int)
    parser.add_argument("--models", default=json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--engine-version", default="0.0.fake")
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--ignore-signals", action="store_true")
    parser.add_argument("--metrics")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--ids-only", action="store_true")
    parser.add_argument("--as-transformers", action="store_true")
    parser.add_argument("--key-variable", default="VLLM_API_KEY")
    parser.add_argument("--enable-metrics", action="store_true")
    parser.add_argument("--shard-uds-path")
    parser.add_argument("--master-port", type=int)
    return parser.parse_args(words)


def main():
    options = options_of(sys.argv[1:])
    for line in options.print:
        print(line, flush=True)
    print("x" * options.print_bytes, flush=True)
    if options.exit is not None:
        sys.exit(options.exit)
    if options.ignore_signals:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if options.child:
        subprocess.Popen(["sh", "-c", "trap '' INT TERM HUP; sleep 1000"], start_new_session=True)
    Handler.options = options
    shard = socket.socket(socket.AF_UNIX)
    if options.shard_uds_path is not None:
        shard.bind(f"{options.shard_uds_path}-0")
        shard.listen()
    Server((options.host, options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
