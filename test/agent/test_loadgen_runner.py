"""The load generator against a scripted server: what is measured, what is a failure, what the loop keeps to."""

import json
import socket
import threading
import time
import unittest
from unittest import mock

import recorded_vllm
from fake_stream_server import FakeStreamServer
from loadline_agent.loadgen import connections, drive, loop
from loadline_agent.loadgen.connections import address_of
from loadline_agent.loadgen.outcomes import Outcomes
from loadline_agent.loadgen.pacing import pacing_of
from loadline_agent.loadgen.part import part_of
from loadline_agent.loadgen.drive import LoadError
from loadline_agent.loadgen.runner import run_load
from loadline_agent.loadgen.targets import Target

COMPLETION = recorded_vllm.events(recorded_vllm.COMPLETION)
GOOD = recorded_vllm.stream(COMPLETION)
# Long enough never to be reached; a hang ends here as a LoadError instead of hanging the tests.
GUARD_SECONDS = 60.0


def profile(**changes):
    return dict(
        {
            "profile": "closed-loop",
            "concurrency": 1,
            "requests": 1,
            "warmupRequests": 0,
            "input": {"kind": "fixed", "tokens": 20},
            "output": {"kind": "fixed", "tokens": 6},
            "api": "completions",
            "prompt": "token-ids",
            "seed": 1,
        },
        **changes,
    )


def load(port, progress=None, should_stop=lambda: False, guard=GUARD_SECONDS, timeout=GUARD_SECONDS, key="test-key", **changes):
    return run_load(
        [Target("127.0.0.1", port, key)],
        "qwen2.5-0.5b",
        profile(**changes),
        progress if progress is not None else lambda *_: None,
        should_stop,
        time.monotonic() + guard,
        request_timeout_seconds=timeout,
    )


def answering(data):
    return FakeStreamServer(lambda exchange: exchange.send(data))


class Measurement(unittest.TestCase):
    def test_is_what_the_interface_says(self):
        with answering(GOOD) as server:
            measured = load(server.port, concurrency=2, requests=6, warmupRequests=2)
        self.assertEqual(json.loads(json.dumps(measured, allow_nan=False)), measured)
        self.assertEqual(
            set(measured),
            {
                "startedWallMs",
                "durationMs",
                "concurrency",
                "requests",
                "gaps",
                "failureExamples",
                "client",
                "warmupRequests",
                "promptSizing",
                "tokensInWindow",
                "inFlight",
            },
        )
        requests = measured["requests"]
        self.assertEqual({name: len(column) for name, column in requests.items()}, dict.fromkeys(requests, 6))
        self.assertEqual(requests["inputTokens"], [5] * 6)
        # Two tokens came in the last event: usage counts tokens, events are only events.
        self.assertEqual(requests["outputTokens"], [6] * 6)
        self.assertEqual(requests["chunks"], [5] * 6)
        self.assertEqual(requests["failure"], [None] * 6)
        self.assertEqual(requests["sentMs"][0], 0)
        self.assertEqual(requests["sentMs"], sorted(requests["sentMs"]))
        for ttft, e2e in zip(requests["ttftMs"], requests["e2eMs"]):
            self.assertTrue(0 < ttft <= e2e)
        self.assertEqual(sum(count for _, count in measured["gaps"]["counts"]), 6 * 4)
        self.assertEqual(measured["client"]["events"], 30)
        self.assertEqual((measured["concurrency"], measured["warmupRequests"]), (2, 2))
        self.assertEqual(measured["failureExamples"], [])
        self.assertGreaterEqual(measured["durationMs"], max(requests["e2eMs"]))

    def test_times_start_with_the_first_token_and_not_with_an_empty_chunk(self):
        seen_empty, told_token = threading.Event(), threading.Event()
        role = b'data: {"choices":[{"index":0,"text":"","finish_reason":null}]}\n\n'
        whole = recorded_vllm.stream([role] + COMPLETION)
        cut = whole.index(recorded_vllm.chunk(COMPLETION[0]))
        waited = []

        def script(exchange):
            exchange.send(whole[:cut])
            seen_empty.set()
            begun = time.monotonic()
            told_token.wait(GUARD_SECONDS)
            waited.append(time.monotonic() - begun)
            exchange.send(whole[cut:])

        def let_time_pass():
            seen_empty.wait(GUARD_SECONDS)
            time.sleep(0.05)  # The very thing that is measured.
            told_token.set()

        helper = threading.Thread(target=let_time_pass)
        helper.start()
        with FakeStreamServer(script) as server:
            measured = load(server.port)
        helper.join()
        self.assertGreaterEqual(measured["requests"]["ttftMs"][0], waited[0] * 1000.0)
        self.assertEqual(measured["requests"]["chunks"], [5])

    def test_progress_counts_each_phase_to_its_end(self):
        told = []
        with answering(GOOD) as server:
            load(server.port, progress=lambda *said: told.append(said), requests=5, warmupRequests=3)
        self.assertEqual(told[0], ("warm-up", 0, 3))
        self.assertIn(("warm-up", 3, 3), told)
        self.assertEqual(told[-1], ("load", 5, 5))

    def test_without_the_kernels_stamps_it_measures_too(self):
        with mock.patch.object(connections, "KERNEL_STAMPS", False), answering(GOOD) as server:
            measured = load(server.port, requests=4)
        self.assertEqual(measured["requests"]["chunks"], [5] * 4)
        self.assertTrue(all(0 < ttft for ttft in measured["requests"]["ttftMs"]))

    def test_no_api_key_is_sent_where_there_is_none(self):
        sent = []

        def script(exchange):
            sent.append(exchange.request)
            exchange.send(GOOD)

        with FakeStreamServer(script) as server:
            load(server.port, key=None)
        self.assertNotIn(b"authorization", sent[0].lower())

    def test_garbage_collection_is_as_it_was(self):
        import gc

        collecting = []
        with answering(GOOD) as server:
            load(server.port, progress=lambda *_: collecting.append(gc.isenabled()))
        self.assertEqual((set(collecting), gc.isenabled()), ({False}, True))


class Cuts(unittest.TestCase):
    """Reads of every size, through the loop itself."""

    def drive(self, port, read_bytes, api="completions"):
        driven = loop.Loop([address_of(Target("127.0.0.1", port))], api, 60.0, float("inf"), lambda: False)
        factory = mock.Mock(request=lambda *_: b"POST / HTTP/1.1\r\n\r\n")
        by_reader = []
        original = driven.received

        def counted(*arguments):
            by_reader.append(1)
            original(*arguments)

        driven.received = counted
        try:
            with mock.patch.object(loop, "_READ_BYTES", read_bytes):
                outcomes = driven.run(factory, pacing_of(profile(requests=2)), lambda *_: None)
        finally:
            driven.close()
        return outcomes, len(by_reader)

    def test_the_same_whatever_a_read_brings(self):
        with answering(GOOD) as server:
            for read_bytes in list(range(1, 420)) + [len(GOOD) - 1, len(GOOD)]:
                outcomes, _ = self.drive(server.port, read_bytes)
                with self.subTest(read_bytes=read_bytes):
                    self.assertEqual(outcomes.chunks, [5, 5])
                    self.assertEqual([answer.usage()[:2] for answer in outcomes.answers], [(5, 6)] * 2)
                    self.assertEqual([answer.failure(5) for answer in outcomes.answers], [None, None])
                    self.assertEqual(outcomes.failure, [None, None])
                    self.assertEqual(len(outcomes.gaps), 8)

    def test_reads_of_one_event_are_counted_without_the_reader_and_give_the_same(self):
        for api, text in (("completions", '"text":"%s"'), ("chat", '"delta":{"content":"%s"}')):
            made = [('data: {"choices":[{"index":0,' + text + "}]}\n\n") % word for word in ("one", "", "two", "six")]
            token = [text.encode("ascii") for text in made]
            empty = token[1]
            # Events of one length, behind a head of a multiple of it: each read is then a whole chunk.
            size = len(recorded_vllm.chunk(token[0]))
            token[1] = empty.replace(b"}]}", b"}]   }")
            self.assertEqual({len(recorded_vllm.chunk(event)) for event in token}, {size})
            head_size = recorded_vllm.stream([], b"X: \r\n").index(b"\r\n\r\n") + 4
            padding = b"X: " + b"x" * (-head_size % size) + b"\r\n"
            data = recorded_vllm.stream(token + token + [b"data: [DONE]\n\n"], padding)
            with answering(data) as server:
                outcomes, by_reader = self.drive(server.port, size, api)
                _, by_reader_anyhow = self.drive(server.port, size - 1, api)
            with self.subTest(api):
                self.assertEqual(outcomes.chunks, [6, 6])
                self.assertEqual([answer.failure(6) for answer in outcomes.answers], [None, None])
                # Five of each answer's events were; the first token, the two empty ones, the head and the end were not.
                self.assertEqual(by_reader, 2 * (-(-len(data) // size) - 5))
                self.assertGreater(by_reader_anyhow, by_reader)


    def test_events_of_one_read_share_its_stamp(self):
        with answering(GOOD) as server:
            outcomes, _ = self.drive(server.port, len(GOOD))
        self.assertEqual(list(outcomes.gaps), [0.0] * 8)
        self.assertEqual(outcomes.first, outcomes.last)


class Bound(unittest.TestCase):
    """When the client may itself have set the result."""

    def because(self, gap_ms=20.0, lag_ms=0.1, slept=5.0, unstamped=0, doubts_ms=(0.0,), late_ms=0.0, company=0):
        outcomes = Outcomes()
        outcomes.gaps.extend([] if gap_ms is None else [gap_ms / 1000.0] * 1000)
        outcomes.lags.extend([0.0001] * 985 + [lag_ms / 1000.0] * 15)
        outcomes.begin_delays.extend([0.0] * 980 + [late_ms / 1000.0] * 20)
        outcomes.wall, outcomes.slept, outcomes.unstamped = 10.0, slept, unstamped
        for doubt in doubts_ms:
            at = outcomes.begin(0, None, 0, 0)
            outcomes.first[at], outcomes.first_doubt[at] = 1.0, doubt / 1000.0
            outcomes.first_company[at] = company
        return part_of(outcomes, True, None)["client"]["because"]

    def test_a_loop_that_hardly_waits_is(self):
        self.assertEqual(self.because(slept=2.0), [])
        self.assertIn("busy 90 % of the time", self.because(slept=1.0)[0])

    def test_a_lag_near_the_gap_is(self):
        self.assertEqual(self.because(lag_ms=8.0), [])
        self.assertIn("12.0 ms late", self.because(lag_ms=12.0)[0])

    def test_without_the_kernels_stamps_less_lag_is_enough(self):
        self.assertIn("the kernel did not stamp", self.because(lag_ms=8.0, unstamped=1000)[0])

    def test_a_lag_under_two_milliseconds_is_not(self):
        self.assertEqual(self.because(gap_ms=1.2, lag_ms=1.9, unstamped=1000), [])

    def test_of_prefill_alone_the_lag_counts_against_the_first_token(self):
        # There the first token takes a second.
        self.assertEqual(self.because(gap_ms=None, lag_ms=90.0), [])
        self.assertIn("110.0 ms late", self.because(gap_ms=None, lag_ms=110.0)[0])

    def test_first_tokens_whose_stamps_may_be_off_are(self):
        # The goal: half of them within 2 ms, 99 % within 10 ms.
        self.assertEqual(self.because(doubts_ms=[1.9] * 90 + [9.0] * 10), [])
        self.assertIn("2.1 ms (p50)", self.because(doubts_ms=[2.1] * 60 + [0.0] * 40)[0])
        self.assertIn("11.0 ms (p99)", self.because(doubts_ms=[0.0] * 95 + [11.0] * 5)[0])

    def test_first_tokens_that_were_read_with_the_second_are_as_late_as_that(self):
        self.assertIn("20.0 ms (p50)", self.because(gap_ms=20.0, company=1)[0].replace("19.9", "20.0"))
        # Where the server sends several at once, there is nothing to be late by.
        self.assertEqual(self.because(gap_ms=0.0, company=3), [])

    def test_requests_sent_late_are(self):
        self.assertEqual(self.because(late_ms=9.0), [])
        self.assertIn("later than they were due", self.because(late_ms=11.0)[0])

    def test_a_first_token_that_shares_its_read_is_in_doubt_and_one_that_came_alone_is_not(self):
        token = recorded_vllm.chunk(COMPLETION[0])
        whole = recorded_vllm.stream(COMPLETION)
        head_and_token = whole.index(token) + len(token)
        for doubtful in (False, True):
            read_on = threading.Event()

            def script(exchange):
                if not doubtful:
                    exchange.send(whole[:head_and_token])
                    read_on.wait(GUARD_SECONDS)
                    exchange.send(whole[head_and_token:])
                else:
                    exchange.send(whole)

            with FakeStreamServer(script) as server:
                driven = loop.Loop([address_of(Target("127.0.0.1", server.port))], "completions", 60.0, 1e9, lambda: False)
                received = driven.received

                def held_up(*arguments):
                    received(*arguments)
                    read_on.set()

                driven.received = held_up
                # Since when the bytes may have been there: always, as far as this loop knows.
                with mock.patch.object(loop, "_HAD_TO_WAIT_SECONDS", 1e9):
                    outcomes = driven.run(
                        mock.Mock(request=lambda *_: b"POST / HTTP/1.1\r\n\r\n"), pacing_of(profile()), lambda *_: None
                    )
                driven.close()
            with self.subTest(doubtful=doubtful):
                self.assertEqual(outcomes.first_doubt[0] > 0.0, doubtful)


class Connections(unittest.TestCase):
    def test_a_connection_is_kept_from_warm_up_to_the_end(self):
        with answering(GOOD) as server:
            load(server.port, concurrency=3, requests=12, warmupRequests=3)
            self.assertEqual((server.connections, server.requests), (3, 15))

    def test_a_server_that_says_close_gets_a_new_one_each_time(self):
        def script(exchange):
            exchange.send(recorded_vllm.stream(COMPLETION, b"Connection: close\r\n"))
            exchange.close()

        with FakeStreamServer(script) as server:
            measured = load(server.port, requests=4)
            self.assertEqual(server.connections, 4)
        self.assertEqual(measured["requests"]["failure"], [None] * 4)

    def test_a_kept_connection_that_the_server_closed_is_no_failure(self):
        def script(exchange):
            if exchange.connection_number == 0 and exchange.number > 0:
                exchange.reset()
            else:
                exchange.send(GOOD)

        with FakeStreamServer(script) as server:
            measured = load(server.port, requests=3)
            self.assertEqual((server.connections, server.requests), (2, 4))
        self.assertEqual(measured["requests"]["failure"], [None] * 3)

    def test_a_request_larger_than_the_buffers_is_sent_whole(self):
        sizes = []

        def script(exchange):
            sizes.append(len(exchange.request))
            exchange.send(GOOD)

        with FakeStreamServer(script) as server:
            measured = load(server.port, requests=2, input={"kind": "fixed", "tokens": 1500000})
        self.assertTrue(all(size > 1500000 * 5 for size in sizes))
        self.assertEqual(measured["requests"]["failure"], [None, None])

    def test_concurrency_is_never_exceeded_and_always_refilled(self):
        concurrency, requests = 8, 40
        state = threading.Condition()
        in_flight, seen, left = [0], [], [requests]

        def script(exchange):
            with state:
                in_flight[0] += 1
                seen.append(in_flight[0])
                state.notify_all()
                # Answers only once all streams wait for one: a loop that does not refill never gets further.
                full = min(concurrency, left[0])
                if not state.wait_for(lambda: in_flight[0] >= min(full, left[0]), GUARD_SECONDS):
                    return
                in_flight[0] -= 1
                left[0] -= 1
                state.notify_all()
            exchange.send(GOOD)

        with FakeStreamServer(script) as server:
            measured = load(server.port, concurrency=concurrency, requests=requests)
        self.assertEqual(max(seen), concurrency)
        self.assertEqual(len(measured["requests"]["failure"]), requests)
        self.assertEqual(set(measured["requests"]["failure"]), {None})

    def test_fewer_requests_than_streams(self):
        with answering(GOOD) as server:
            measured = load(server.port, concurrency=8, requests=3)
            self.assertEqual(server.requests, 3)
        self.assertEqual(measured["requests"]["failure"], [None] * 3)


class Failures(unittest.TestCase):
    def fails(self, script, kind, words, **options):
        with FakeStreamServer(script) as server:
            measured = load(server.port, requests=2, **options)
        self.assertEqual(measured["requests"]["failure"], [kind] * 2)
        self.assertEqual([example["kind"] for example in measured["failureExamples"]], [kind])
        self.assertIn(words, measured["failureExamples"][0]["message"])
        return measured

    def test_a_status_that_is_not_200(self):
        self.fails(lambda exchange: exchange.send(recorded_vllm.whole("too-long")), "http-status", "maximum context length")

    def test_an_error_inside_a_200_stream(self):
        data = recorded_vllm.stream(recorded_vllm.events(recorded_vllm.ERROR_IN_STREAM))
        measured = self.fails(lambda exchange: exchange.send(data), "error-in-stream", "cannot be empty")
        self.assertEqual(measured["requests"]["ttftMs"], [None] * 2)

    def test_a_stream_without_its_end(self):
        def ended(exchange):
            exchange.send(recorded_vllm.stream(COMPLETION[:-1]))

        self.fails(ended, "incomplete-stream", "without [DONE]")

    def test_a_connection_closed_and_one_reset_within_the_stream(self):
        def closed(exchange):
            exchange.send(GOOD[:-200])
            exchange.close()

        self.fails(closed, "incomplete-stream", "ended within the stream")

        def reset(exchange):
            exchange.send(GOOD[:-200])
            exchange.reset()

        self.fails(reset, "incomplete-stream", "")

    def test_a_connection_closed_without_an_answer(self):
        self.fails(lambda exchange: exchange.close(), "connect", "before any answer")

    def test_a_refused_connection(self):
        # Bound, so that nobody else gets the port, and not listened at.
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            measured = load(nobody.getsockname()[1], concurrency=2, requests=2000)
        self.assertEqual(set(measured["requests"]["failure"]), {"connect"})
        self.assertIn("refused", measured["failureExamples"][0]["message"])

    def test_what_is_not_http(self):
        self.fails(lambda exchange: exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n"), "protocol", "not an HTTP answer")

    def test_bytes_behind_the_end_of_an_answer(self):
        self.fails(lambda exchange: exchange.send(GOOD + b"x"), "protocol", "after the end")

    def test_no_answer_in_time(self):
        measured = self.fails(lambda exchange: exchange.send(GOOD[:-400]), "timeout", "events with a token", timeout=1)
        self.assertGreater(measured["requests"]["chunks"][0], 0)

    def test_a_stream_without_a_token(self):
        empty = recorded_vllm.stream([b'data: {"choices":[{"text":""}]}\n\n', b"data: [DONE]\n\n"])
        self.fails(lambda exchange: exchange.send(empty), "no-tokens", "without a token")

    def test_the_api_key_is_in_no_message(self):
        def echo(exchange):
            body = b'{"error":{"message":"bad key k3y in the request"}}'
            exchange.send(b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        measured = self.fails(echo, "http-status", "bad key [API key]", key="k3y")
        self.assertNotIn("k3y", json.dumps(measured))
        with FakeStreamServer(echo) as server, self.assertRaises(LoadError) as raised:
            load(server.port, key="k3y", warmupRequests=2)
        self.assertNotIn("k3y", raised.exception.message)

    def test_one_failure_leaves_the_others_good(self):
        def script(exchange):
            exchange.send(recorded_vllm.whole("too-long") if exchange.number == 1 else GOOD)

        with FakeStreamServer(script) as server:
            measured = load(server.port, requests=3)
            self.assertEqual(server.connections, 1)
        self.assertEqual(measured["requests"]["failure"], [None, "http-status", None])


class NoMeasurement(unittest.TestCase):
    def refused(self, kind, phase, words, port, **options):
        with self.assertRaises(LoadError) as raised:
            load(port, **options)
        self.assertEqual((raised.exception.kind, raised.exception.phase), (kind, phase))
        self.assertIn(words, raised.exception.message)

    def test_cancelled(self):
        answered = []

        def script(exchange):
            exchange.send(GOOD)
            answered.append(1)

        with FakeStreamServer(script) as server:
            self.refused(
                "cancelled", "load", "requests done", server.port, should_stop=lambda: bool(answered), requests=100000
            )

    def test_the_deadline(self):
        with FakeStreamServer(lambda exchange: None) as server:
            self.refused("timeout", "load", "0 of 1 requests", server.port, guard=0.2)

    def test_a_warm_up_of_which_nothing_succeeds(self):
        with answering(recorded_vllm.whole("no-key")) as server:
            self.refused("load", "warm-up", "HTTP 401: Unauthorized", server.port, warmupRequests=2)

    def test_a_profile_that_cannot_be_driven(self):
        for changes in ({"concurrency": 0}, {"profile": "ladder"}, {"requests": True}, {"input": None}, {"seed": "x"}):
            with self.subTest(changes):
                self.refused("bad-profile", "warm-up", next(iter(changes)), 1, **changes)

    def test_more_streams_than_the_account_may_open(self):
        with mock.patch.object(drive.resource, "getrlimit", return_value=(64, 128)):
            self.refused("bad-profile", "warm-up", "may have 128", 1, concurrency=1024, requests=1024)

    def test_a_host_without_an_address(self):
        with mock.patch.object(connections.socket, "getaddrinfo", side_effect=socket.gaierror(-2, "Name not known")):
            self.refused("unreachable", "warm-up", "Name not known", 1)


if __name__ == "__main__":
    unittest.main()
