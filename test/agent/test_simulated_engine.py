"""The simulated engine as a process, over HTTP, with the load generator and with plain sockets."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import recorded_vllm
from loadline_agent.loadgen.runner import run_load
from loadline_agent.loadgen.targets import Target
from simulated_parameters import simulated

KEY = "key-of-the-test"
GUARD_SECONDS = 60.0


@contextlib.contextmanager
def process(document, port=0):
    """The engine's process with its log as text on stdout."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "engine.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        engine = subprocess.Popen(
            [sys.executable, "-m", "loadline_agent", "simulated-engine", "--port", str(port)],
            env=dict(os.environ, LOADLINE_SIMULATED_ENGINE=path, VLLM_API_KEY=KEY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        try:
            yield engine
        finally:
            engine.kill()
            engine.communicate()


@contextlib.contextmanager
def serving(**changes):
    """A port where it serves."""
    with process(simulated(**changes)) as engine:
        for line in engine.stdout:
            found = re.search(r"serving .* on http://127\.0\.0\.1:(\d+)", line)
            if found:
                yield int(found.group(1))
                return
        raise AssertionError("it never served: " + engine.stderr.read())


def ask(port, method, path, document=None, key=KEY):
    """Status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GUARD_SECONDS)
    body = document if document is None or isinstance(document, (bytes, str)) else json.dumps(document)
    connection.request(method, path, body, {"Authorization": "Bearer " + key} if key else {})
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


def complete(port, **changes):
    request = dict({"model": "simulated-model", "prompt": [1, 2, 3], "max_tokens": 4, "ignore_eos": True}, **changes)
    return ask(port, "POST", "/v1/completions", request)


def metric(port, name):
    _, _, body = ask(port, "GET", "/metrics")
    return float(re.search(r"^%s(?:\{[^}]*\})? (\S+)$" % re.escape(name), body.decode("utf-8"), re.MULTILINE).group(1))


def load(port, **changes):
    profile = {
        "profile": "closed-loop",
        "concurrency": 4,
        "requests": 16,
        "warmupRequests": 4,
        "input": {"kind": "fixed", "tokens": 50},
        "output": {"kind": "fixed", "tokens": 30},
        "api": "completions",
        "prompt": "token-ids",
        "seed": 1,
    }
    profile.update(changes)
    deadline = time.monotonic() + GUARD_SECONDS
    return run_load([Target("127.0.0.1", port, KEY)], "simulated-model", profile, lambda *_: None, lambda: False, deadline)


def least_tpot_ms(measured):
    """A busy machine may hold up some requests, and speeds up none."""
    requests = measured["requests"]
    return min(
        (e2e - ttft) / (tokens - 1)
        for e2e, ttft, tokens in zip(requests["e2eMs"], requests["ttftMs"], requests["outputTokens"])
    )


class Loads(unittest.TestCase):
    def test_every_request_gets_exactly_its_tokens(self):
        for api, prompt in (("completions", "token-ids"), ("completions", "text"), ("chat", "text")):
            with self.subTest(api=api, prompt=prompt), serving() as port:
                measured = load(port, api=api, prompt=prompt)
                self.assertEqual(measured["requests"]["failure"], [None] * 16)
                self.assertEqual(measured["requests"]["outputTokens"], [30] * 16)
                self.assertEqual(measured["requests"]["chunks"], [30] * 16)
                self.assertEqual(measured["requests"]["inputTokens"], [50] * 16)

    def test_loads_of_every_shape_can_be_rehearsed(self):
        entries = [{"atMs": 5 * at, "inputTokens": 20 + at, "outputTokens": 3, "session": at % 2} for at in range(6)]
        open_loop = {"profile": "open-loop", "requestsPerSecond": 300, "arrivals": "gamma", "burstiness": 0.5}
        for changes, input_tokens, output_tokens in (
            (open_loop, [50] * 16, [30] * 16),
            ({"profile": "offline"}, [50] * 16, [30] * 16),
            ({"output": {"kind": "fixed", "tokens": 1}}, [50] * 16, [1] * 16),
            ({"stream": False}, [50] * 16, [30] * 16),
            ({"sharedPrefix": {"tokens": 32, "groups": 2}}, [50] * 16, [30] * 16),
            # A turn carries the prompts and answers before it.
            ({"turns": {"count": 4}, "concurrency": 1}, [50, 130, 210, 290] * 4, [30] * 16),
            ({"turns": {"count": 2}, "concurrency": 1, "api": "chat", "prompt": "text"}, [50, 130] * 8, [30] * 16),
            ({"profile": "trace", "entries": entries}, None, [3] * 6),
        ):
            with self.subTest(changes), serving() as port:
                measured = load(port, **changes)["requests"]
                self.assertEqual(set(measured["failure"]), {None})
                self.assertEqual(measured["outputTokens"], output_tokens)
                if input_tokens is not None:
                    self.assertEqual(measured["inputTokens"], input_tokens)

    def test_tpot_follows_the_step_it_was_given(self):
        tpots = []
        for base_ms in (4, 8):
            step = {"baseMs": base_ms, "perSequenceMs": 0, "perKvTokenMs": 0, "perPrefillTokenMs": 0}
            with serving(step=step) as port:
                tpots.append(least_tpot_ms(load(port)))
        # Absolute step times: a slow machine may delay a token, it does not stretch the steps.
        for tpot, base_ms in zip(tpots, (4, 8)):
            self.assertAlmostEqual(tpot / base_ms, 1.0, delta=0.5)
        self.assertAlmostEqual(tpots[1] / tpots[0], 2.0, delta=0.5)

    def test_prefill_takes_the_time_it_was_given(self):
        step = {"baseMs": 1, "perSequenceMs": 0, "perKvTokenMs": 0, "perPrefillTokenMs": 0.1}
        with serving(step=step) as port:
            measured = load(port, concurrency=1, requests=5, warmupRequests=1, input={"kind": "fixed", "tokens": 500})
        # 1 ms and 500 x 0.1 ms, less what the step before may have been late.
        self.assertGreaterEqual(min(measured["requests"]["ttftMs"]), 51 - 5)
        self.assertLess(min(measured["requests"]["ttftMs"]), 2 * 51)

    def test_no_more_run_at_once_than_may(self):
        step = {"baseMs": 5, "perSequenceMs": 0, "perKvTokenMs": 0, "perPrefillTokenMs": 0}
        with serving(maxNumSeqs=2, step=step) as port:
            measured = load(port, concurrency=4, requests=8, warmupRequests=0)
        requests = measured["requests"]
        events = []
        for sent, ttft, e2e in zip(requests["sentMs"], requests["ttftMs"], requests["e2eMs"]):
            # A step's tokens are sent one after another: an end and a start of neighbouring steps are 5 ms apart.
            events += [(sent + ttft, 1), (sent + e2e - 2.5, -1)]
        running = peak = 0
        for _, change in sorted(events):
            running += change
            peak = max(peak, running)
        self.assertEqual(peak, 2)

    def test_a_small_cache_preempts_and_says_so(self):
        with serving(kvBlocks=8, maxModelLen=128) as port:
            measured = load(
                port, input={"kind": "fixed", "tokens": 60}, output={"kind": "fixed", "tokens": 60}, warmupRequests=0
            )
            self.assertEqual(measured["requests"]["outputTokens"], [60] * 16)
            self.assertGreater(metric(port, "vllm:num_preemptions_total"), 0)
            self.assertEqual(metric(port, "vllm:kv_cache_usage_perc"), 0)

    def test_many_streams_at_a_millisecond_a_step(self):
        with serving(maxNumSeqs=64, maxNumBatchedTokens=8192) as port:
            measured = load(port, concurrency=32, requests=96, output={"kind": "normal", "mean": 40, "deviation": 5})
            self.assertEqual(measured["requests"]["failure"], [None] * 96)
            self.assertEqual(sum(measured["requests"]["outputTokens"]), measured["client"]["events"])
            everything = metric(port, "vllm:generation_tokens_total")
        self.assertGreater(everything, measured["client"]["events"])


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.port = cls.stack.enter_context(serving())

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def json(self, *arguments, status=200, **options):
        answered, headers, body = ask(self.port, *arguments, **options)
        self.assertEqual((answered, headers["server"]), (status, "loadline-simulated-engine"))
        return json.loads(body.decode("utf-8"))

    def test_it_says_everywhere_that_it_is_simulated(self):
        self.assertEqual(self.json("GET", "/version"), {"version": "0.26.0", "simulated": True})
        (model,) = self.json("GET", "/v1/models")["data"]
        self.assertEqual(
            (model["id"], model["owned_by"], model["max_model_len"]),
            ("simulated-model", "loadline-simulated-engine", 2048),
        )
        _, _, body = complete(self.port)
        self.assertEqual(json.loads(body.decode("utf-8"))["system_fingerprint"], "loadline-simulated-engine")

    def test_health_needs_no_key_and_the_api_does(self):
        self.assertEqual(ask(self.port, "GET", "/health", key=None)[::2], (200, b""))
        for key in (None, "wrong"):
            answer = self.json("GET", "/v1/models", key=key, status=401)
            self.assertEqual(answer, json.loads(recorded_vllm.recorded("no-key")["response"]))

    def test_an_answer_has_the_shape_of_vllms(self):
        status, _, body = complete(self.port)
        answer, real = json.loads(body.decode("utf-8")), json.loads(recorded_vllm.recorded("completion")["response"])
        self.assertEqual(status, 200)
        self.assertLessEqual(set(answer), set(real))
        self.assertLessEqual(set(answer["choices"][0]), set(real["choices"][0]))
        self.assertEqual(answer["usage"], {"prompt_tokens": 3, "total_tokens": 7, "completion_tokens": 4})
        self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def events(self, path, **changes):
        request = dict({"model": "simulated-model", "max_tokens": 4, "ignore_eos": True, "stream": True}, **changes)
        status, headers, body = ask(self.port, "POST", path, request)
        self.assertEqual((status, headers["content-type"]), (200, "text/event-stream; charset=utf-8"))
        parts = body.decode("utf-8").split("\n\n")
        self.assertEqual((parts[-2:], {part[:6] for part in parts[:-1]}), (["data: [DONE]", ""], {"data: "}))
        return [json.loads(part[6:]) for part in parts[:-2]]

    def test_a_stream_has_the_shape_of_vllms(self):
        real = [json.loads(text[6:].decode("utf-8")) for text in recorded_vllm.events(recorded_vllm.COMPLETION)[:-1]]
        made = self.events("/v1/completions", prompt=[1, 2, 3], stream_options={"include_usage": True})
        self.assertEqual(len(made), 5)
        self.assertEqual(set(made[0]["choices"][0]), set(real[0]["choices"][0]))
        self.assertEqual(set(made[-1]), set(real[-1]))
        self.assertEqual([event["choices"][0]["finish_reason"] for event in made[:-1]], [None] * 3 + ["length"])
        self.assertEqual((made[-1]["choices"], made[-1]["usage"]["completion_tokens"]), ([], 4))

    def test_without_being_asked_a_stream_has_no_usage(self):
        self.assertEqual([event for event in self.events("/v1/completions", prompt=[1]) if "usage" in event], [])

    def test_a_chat_stream_begins_with_the_role(self):
        made = self.events("/v1/chat/completions", messages=[{"role": "user", "content": "one two"}])
        deltas = [event["choices"][0]["delta"] for event in made]
        self.assertEqual(deltas[0], {"role": "assistant", "content": ""})
        self.assertEqual(len([delta for delta in deltas if delta.get("content")]), 4)

    def test_a_stream_of_one_token_is_whole(self):
        (made,) = self.events("/v1/completions", prompt=[1], max_tokens=1)
        self.assertEqual(made["choices"][0]["finish_reason"], "length")

    def test_a_prompt_that_is_too_long_is_refused_in_vllms_words(self):
        status, _, body = complete(self.port, prompt=list(range(2046)), max_tokens=4)
        real = recorded_vllm.recorded("too-long")["response"]
        for theirs, ours in (("4096", "2048"), ("4994", "2050"), ("4990", "2046")):
            real = real.replace(theirs, ours)
        self.assertEqual((status, json.loads(body.decode("utf-8"))), (400, json.loads(real)))

    def test_an_unknown_model_is_refused_in_vllms_words(self):
        status, _, body = complete(self.port, model="nope")
        real = json.loads(recorded_vllm.recorded("bad-model")["response"])
        self.assertEqual((status, json.loads(body.decode("utf-8"))), (404, real))

    def test_an_empty_prompt_is_an_error_inside_a_200_stream(self):
        status, _, body = complete(self.port, prompt="", stream=True)
        self.assertEqual(status, 200)
        first, done = body.decode("utf-8").split("\n\n")[:2]
        real = recorded_vllm.recorded(recorded_vllm.ERROR_IN_STREAM)["response"].split("\n\n")
        self.assertEqual((json.loads(first[6:]), done), (json.loads(real[0][6:]), real[1]))
        self.assertEqual(complete(self.port, prompt="")[0], 400)

    def test_what_it_cannot_read_is_400(self):
        for changes in (
            {"max_tokens": "x"},
            {"max_tokens": 0},
            {"min_tokens": 9},
            {"prompt": {}},
            {"prompt": [[1], [2]]},
            {"n": 2},
        ):
            with self.subTest(changes):
                self.assertEqual(complete(self.port, **changes)[0], 400)
        self.assertEqual(ask(self.port, "POST", "/v1/completions", "{torn")[0], 400)
        self.assertEqual(ask(self.port, "POST", "/v1/completions", "[]")[0], 400)
        self.assertEqual(ask(self.port, "POST", "/v1/chat/completions", {"messages": "hello"})[0], 400)

    def test_unknown_routes_and_methods(self):
        self.assertEqual(self.json("GET", "/nowhere", status=404), {"detail": "Not Found"})
        self.assertEqual(self.json("GET", "/v1/completions", status=405), {"detail": "Method Not Allowed"})
        self.assertEqual(self.json("POST", "/metrics", status=405), {"detail": "Method Not Allowed"})

    def test_an_answer_ends_by_itself_unless_told_not_to(self):
        reasons, lengths = set(), set()
        for _ in range(12):
            _, _, body = complete(self.port, ignore_eos=False, max_tokens=300, min_tokens=2)
            answer = json.loads(body.decode("utf-8"))
            reasons.add(answer["choices"][0]["finish_reason"])
            lengths.add(answer["usage"]["completion_tokens"])
        self.assertIn("stop", reasons)
        self.assertTrue(2 <= min(lengths) and max(lengths) <= 300 and len(lengths) > 1)

    def test_requests_on_one_connection_are_answered_in_order(self):
        request = b"GET /health HTTP/1.1\r\n\r\n"
        body = b'{"prompt":[1],"max_tokens":2,"ignore_eos":true}'
        authorization = b"Authorization: Bearer " + KEY.encode("ascii")
        post = b"POST /v1/completions HTTP/1.1\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (authorization, len(body), body)
        with socket.create_connection(("127.0.0.1", self.port), GUARD_SECONDS) as connection:
            connection.sendall(post + request + b"GET /version HTTP/1.1\r\nConnection: close\r\n\r\n")
            data = b""
            while True:
                received = connection.recv(65536)
                if not received:
                    break
                data += received
        self.assertEqual(data.count(b"HTTP/1.1 200 OK"), 3)
        self.assertLess(data.index(b"text_completion"), data.index(b"content-length: 0"))
        self.assertLess(data.index(b"content-length: 0"), data.index(b'"simulated":true'))

    def test_a_client_that_waits_for_100_continue_gets_it(self):
        with socket.create_connection(("127.0.0.1", self.port), GUARD_SECONDS) as connection:
            head = b"POST /v1/completions HTTP/1.1\r\nAuthorization: Bearer %b\r\n" % KEY.encode("ascii")
            connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: 31\r\n\r\n")
            self.assertEqual(connection.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b'{"prompt":[1],"max_tokens":1}'.ljust(31))
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200 OK"))

    def test_what_is_not_http_is_answered_and_closed(self):
        for data, status in (
            (b"hello\r\n\r\n", b"400"),
            (b"x" * 70000, b"400"),
            (b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
            (b"POST /v1/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        ):
            with self.subTest(data[:20]), socket.create_connection(("127.0.0.1", self.port), GUARD_SECONDS) as connection:
                connection.sendall(data)
                answer = b""
                while True:
                    received = connection.recv(65536)
                    if not received:
                        break
                    answer += received
                self.assertIn(b"HTTP/1.1 " + status, answer)


class Clients(unittest.TestCase):
    STEP = {"baseMs": 1, "perSequenceMs": 0, "perKvTokenMs": 0, "perPrefillTokenMs": 0}

    def start(self, port, max_tokens):
        body = json.dumps({"prompt": [1], "max_tokens": max_tokens, "ignore_eos": True, "stream": True}).encode("ascii")
        connection = socket.socket()
        # Small, before connecting: a reader that does not read then stops the sender soon.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(GUARD_SECONDS)
        connection.connect(("127.0.0.1", port))
        head = b"POST /v1/completions HTTP/1.1\r\nAuthorization: Bearer %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (KEY.encode("ascii"), len(body)) + body)
        return connection

    def test_one_that_goes_away_frees_its_place(self):
        # Without it the next would wait for 2,000 steps of 100 ms.
        with serving(maxNumSeqs=1, step=dict(self.STEP, baseMs=100)) as port:
            connection = self.start(port, 2000)
            connection.recv(1)
            self.assertEqual(metric(port, "vllm:num_requests_running"), 1)
            connection.close()
            self.assertEqual(complete(port, max_tokens=1)[0], 200)
            self.assertEqual(metric(port, "vllm:num_requests_running"), 0)

    def test_one_that_reads_slowly_gets_all_of_it_and_holds_up_nobody(self):
        with serving(maxModelLen=20001, kvBlocks=2000, step=dict(self.STEP, baseMs=0.05)) as port:
            slow = self.start(port, 20000)
            while metric(port, "vllm:num_requests_running") > 0:
                self.assertEqual(complete(port, max_tokens=1)[0], 200)
            data = b""
            while True:
                received = slow.recv(1 << 20)
                if not received:
                    break
                data += received
            slow.close()
        self.assertEqual(data.count(b'"text":" token"'), 20000)
        self.assertTrue(data.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"))


class Process(unittest.TestCase):
    def ended(self, document, port=0):
        with process(document, port) as engine:
            log, errors = engine.communicate(timeout=GUARD_SECONDS)
            return engine.returncode, log, errors

    def test_one_that_does_not_start_says_why_and_exits_as_told(self):
        for outcome, code in (("refuses", 1), ("out-of-memory", 137)):
            lines = ["INFO (simulated) loading", "ValueError: (simulated) no room"]
            document = simulated(start={"outcome": outcome, "exitCode": code}, logLines=lines)
            with self.subTest(outcome):
                self.assertEqual(self.ended(document), (code, "\n".join(lines) + "\n", ""))

    def test_it_logs_before_it_serves(self):
        with process(simulated(logLines=["first", "second"], startupSeconds=0.1)) as engine:
            lines = [engine.stdout.readline().strip() for _ in range(3)]
        self.assertEqual(lines[:2], ["first", "second"])
        self.assertIn("(simulated) serving simulated-model", lines[2])

    def test_a_signal_ends_it_cleanly_at_any_time(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for startup in (0, 3600):
                with self.subTest(number=number, startup=startup):
                    with process(simulated(startupSeconds=startup)) as engine:
                        engine.stdout.readline()
                        engine.send_signal(number)
                        log, errors = engine.communicate(timeout=GUARD_SECONDS)
                    self.assertEqual((engine.returncode, errors), (0, ""))
                    self.assertIn("(simulated) stopped by " + number.name, log)

    def test_a_port_that_is_taken_is_said(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            code, _, errors = self.ended(simulated(), port)
        self.assertEqual(code, 1)
        self.assertIn("cannot listen on 127.0.0.1:%d" % port, errors)

    def test_bad_parameters_are_said(self):
        code, _, errors = self.ended(simulated(maxNumSeqs=0))
        self.assertEqual((code, errors), (2, "(simulated) maxNumSeqs must be at least 1, not 0\n"))


if __name__ == "__main__":
    unittest.main()
