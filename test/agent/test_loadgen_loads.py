"""Loads of every kind through the loop, against a server that keeps a diary: who was sent what, where and when."""

import json
import os
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from unittest import mock

import recorded_vllm
from fake_stream_server import FakeStreamServer
from loadline_agent.loadgen import parallel, part
from loadline_agent.loadgen.drive import LoadError
from loadline_agent.loadgen.runner import run_load
from loadline_agent.loadgen.targets import Target, target_of_url

from test_loadgen_profile import profile
from test_loadgen_runner import GOOD, GUARD_SECONDS

SHORT = {"input": {"kind": "fixed", "tokens": 20}, "output": {"kind": "fixed", "tokens": 6}, "warmupRequests": 0}


def load(targets, kind, should_stop=lambda: False, keeps=False, guard=GUARD_SECONDS, **changes):
    given = profile(kind, **{**SHORT, **changes})
    deadline = time.monotonic() + guard
    return run_load(
        targets, "m", given, lambda *_: None, should_stop, deadline, GUARD_SECONDS, keeps_what_was_measured=keeps
    )


def sent_after(limit_ms, sent_ms):
    """How many: each stream may have looked at the clock just before the end, and sent just after it."""
    return sum(sent > limit_ms for sent in sent_ms)


class Diary:
    """Answers everything with GOOD, and remembers."""

    def __init__(self, answer=GOOD, before=lambda exchange: None):
        self.bodies, self.at, self._lock = [], [], threading.Lock()
        self.in_flight = self.most = 0
        self._answer, self._before = answer, before

    def __call__(self, exchange):
        body = json.loads(exchange.request.partition(b"\r\n\r\n")[2].decode())
        with self._lock:
            self.at.append(time.monotonic())
            self.bodies.append(body)
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        self._before(exchange)
        with self._lock:
            self.in_flight -= 1
        exchange.send(self._answer(body) if callable(self._answer) else self._answer)


class OpenLoop(unittest.TestCase):
    def test_requests_are_sent_when_they_are_due_whatever_became_of_the_others(self):
        answered = threading.Event()
        diary = Diary(before=lambda _: answered.wait(GUARD_SECONDS))
        helper = threading.Thread(target=lambda: (all_came.wait(GUARD_SECONDS), answered.set()))
        all_came = threading.Event()

        def script(exchange):
            if exchange.number == 19:
                all_came.set()
            diary(exchange)

        helper.start()
        with FakeStreamServer(script) as server:
            measured = load(
                [Target("127.0.0.1", server.port)], "open-loop", requests=20, requestsPerSecond=200, arrivals="constant"
            )
        helper.join()
        # All were in flight at once: none waited for an answer.
        self.assertEqual(diary.most, 20)
        requests = measured["requests"]
        self.assertIsNone(measured["concurrency"])
        for at, due in enumerate(requests["scheduledMs"]):
            self.assertAlmostEqual(due - requests["scheduledMs"][0], at * 5.0, delta=0.002)
        for sent, due in zip(requests["sentMs"], requests["scheduledMs"]):
            self.assertGreaterEqual(sent, due - 0.002)

    def test_what_waits_for_a_place_waited_since_it_was_due(self):
        # How late a machine may be that is busy with other things is not what is shown here.
        late_for_sure = mock.patch.object(part, "_LATE_SENDING_P99_MS", 100.0)
        with late_for_sure, FakeStreamServer(Diary(before=lambda _: time.sleep(0.02))) as server:
            measured = load(
                [Target("127.0.0.1", server.port)],
                "open-loop",
                requests=10,
                requestsPerSecond=10000,
                arrivals="constant",
                maxConcurrency=1,
            )
        requests = measured["requests"]
        delays = [sent - due for sent, due in zip(requests["sentMs"], requests["scheduledMs"])]
        # The tenth waited for nine answers of 20 ms each: the delay that a client without a schedule would not show.
        self.assertGreater(delays[9], 9 * 20 - 2)
        self.assertGreaterEqual(delays[9], sum(requests["e2eMs"][:9]) - 1)
        self.assertEqual(max(measured["inFlight"]["values"] + [1]), 1)
        # The place was not free: that is the server's doing, not the client's.
        self.assertEqual([because for because in measured["client"]["boundBecause"] if "due" in because], [])

    def test_seconds_end_it_and_what_was_due_and_not_sent_is_said(self):
        with FakeStreamServer(Diary(before=lambda _: time.sleep(0.05))) as server:
            measured = load(
                [Target("127.0.0.1", server.port)],
                "open-loop",
                requests=1000,
                seconds=0.3,
                requestsPerSecond=100,
                arrivals="constant",
                maxConcurrency=1,
            )
        sent = measured["requests"]["sentMs"]
        self.assertLessEqual(sent_after(300, sent), 1)
        self.assertEqual(len(sent) + measured["unsentRequests"], 30)

    def test_offline_sends_all_at_once(self):
        together = threading.Barrier(12)
        diary = Diary(before=lambda _: together.wait(GUARD_SECONDS))
        with FakeStreamServer(diary) as server:
            measured = load([Target("127.0.0.1", server.port)], "offline", requests=12)
        self.assertEqual(measured["requests"]["failure"], [None] * 12)
        self.assertEqual(set(measured["requests"]["scheduledMs"]), {measured["requests"]["scheduledMs"][0]})


class Traces(unittest.TestCase):
    def test_each_entry_has_its_time_and_lengths(self):
        entries = [{"atMs": at, "inputTokens": 5 + at, "outputTokens": 2 + at} for at in (40, 0, 80)]
        diary = Diary()
        with FakeStreamServer(diary) as server:
            measured = load([Target("127.0.0.1", server.port)], "trace", entries=entries, speed=2)
        # They are in flight together: the diary may have them in any order.
        lengths = sorted((len(body["prompt"]), body["max_tokens"]) for body in diary.bodies)
        self.assertEqual(lengths, [(5, 2), (45, 42), (85, 82)])
        due = measured["requests"]["scheduledMs"]
        for sent, at in zip(measured["requests"]["sentMs"], due):
            self.assertGreaterEqual(sent, at - 0.002)
        self.assertAlmostEqual(due[1] - due[0], 20, delta=0.01)
        self.assertAlmostEqual(due[2] - due[0], 40, delta=0.01)

    def test_a_session_waits_for_its_answer_and_repeats_it(self):
        entries = [{"atMs": 0, "inputTokens": 5, "outputTokens": 2, "session": 1} for _ in range(3)]
        diary = Diary()
        with FakeStreamServer(diary) as server:
            measured = load([Target("127.0.0.1", server.port)], "trace", entries=entries)
        self.assertEqual(diary.most, 1)
        # The recorded stream has no ids: two stand in for each answer of two.
        self.assertEqual([len(body["prompt"]) for body in diary.bodies], [5, 12, 19])
        self.assertEqual(measured["requests"]["turn"], [0, 1, 2])


class Sessions(unittest.TestCase):
    def test_turns_follow_each_other_with_what_was_answered(self):
        def answer(body):
            if not body.get("stream"):
                return recorded_vllm.whole("too-long")  # Nothing that asks how long words are is answered.
            said = f"answer {len(body['messages'])}"
            event = {"choices": [{"index": 0, "delta": {"content": said}}]}
            return recorded_vllm.stream([b"data: " + json.dumps(event).encode() + b"\n\n", b"data: [DONE]\n\n"])

        diary = Diary(answer)
        with FakeStreamServer(diary) as server:
            measured = load(
                [Target("127.0.0.1", server.port)],
                "closed-loop",
                requests=6,
                concurrency=1,
                api="chat",
                prompt="text",
                turns={"count": 3, "thinkMs": 30},
            )
        talks = [body["messages"] for body in diary.bodies if body.get("stream")]
        self.assertEqual([len(messages) for messages in talks], [1, 3, 5] * 2)
        self.assertEqual(talks[2][:3], talks[1])
        self.assertEqual([talks[2][at]["content"] for at in (1, 3)], ["answer 1", "answer 3"])
        sent, e2e = measured["requests"]["sentMs"], measured["requests"]["e2eMs"]
        self.assertEqual(measured["requests"]["turn"], [0, 1, 2] * 2)
        for turn in (1, 2, 4, 5):
            self.assertGreaterEqual(sent[turn] - (sent[turn - 1] + e2e[turn - 1]), 29.9)

    def test_a_session_whose_answer_failed_ends_and_the_others_go_on(self):
        def script(exchange):
            exchange.send(recorded_vllm.whole("too-long") if exchange.number == 1 else GOOD)

        with FakeStreamServer(script) as server:
            measured = load(
                [Target("127.0.0.1", server.port)], "closed-loop", requests=9, concurrency=1, turns={"count": 3}
            )
        self.assertEqual(
            measured["requests"]["failure"], [None, "http-status", None, None, None, None, None, None]
        )
        self.assertEqual(measured["requests"]["turn"], [0, 1, 0, 1, 2, 0, 1, 2])


class ClosedLoop(unittest.TestCase):
    def test_a_ramp_spreads_the_users(self):
        with FakeStreamServer(Diary()) as server:
            # The load's own zero is its first request, which may be late: the ramp counts from its begin, after this.
            before = time.time() * 1000
            measured = load(
                [Target("127.0.0.1", server.port)], "closed-loop", requests=4, concurrency=4, rampSeconds=0.2
            )
        for at, sent in enumerate(measured["requests"]["sentMs"]):
            # Two clocks are compared, one of which may be slewed.
            self.assertGreaterEqual(measured["startedWallMs"] + sent - before, 50 * at - 1)

    def test_seconds_end_it_and_what_is_in_flight_is_waited_for(self):
        with FakeStreamServer(Diary(before=lambda _: time.sleep(0.02))) as server:
            measured = load([Target("127.0.0.1", server.port)], "closed-loop", requests=100000, seconds=0.2, concurrency=2)
        self.assertLessEqual(sent_after(200, measured["requests"]["sentMs"]), 2)
        self.assertEqual(set(measured["requests"]["failure"]), {None})
        self.assertGreater(len(measured["requests"]["failure"]), 2, "each of the two had another one")

    def test_copies_of_the_engine_have_as_many_users_each(self):
        together = threading.Barrier(6)
        diaries = [Diary(before=lambda _: together.wait(GUARD_SECONDS)) for _ in range(2)]
        with FakeStreamServer(diaries[0]) as one, FakeStreamServer(diaries[1]) as two:
            measured = load(
                [Target("127.0.0.1", one.port), Target("127.0.0.1", two.port)], "closed-loop", requests=18, concurrency=6
            )
        self.assertEqual([(diary.most, len(diary.bodies)) for diary in diaries], [(3, 9)] * 2)
        self.assertEqual(sorted(measured["requests"]["engine"]), [0] * 9 + [1] * 9)

    def test_sessions_of_an_open_loop_go_to_the_copies_in_turn(self):
        diaries = [Diary(), Diary(), Diary()]
        with FakeStreamServer(diaries[0]) as one, FakeStreamServer(diaries[1]) as two, FakeStreamServer(diaries[2]) as three:
            load(
                [Target("127.0.0.1", server.port) for server in (one, two, three)],
                "open-loop",
                requests=9,
                requestsPerSecond=1000,
            )
        self.assertEqual([len(diary.bodies) for diary in diaries], [3, 3, 3])

    def test_tokens_and_requests_in_flight_over_time(self):
        with FakeStreamServer(Diary(before=lambda _: time.sleep(0.15))) as server:
            measured = load([Target("127.0.0.1", server.port)], "closed-loop", requests=8, concurrency=2)
        # Six tokens a request, though they came in five events.
        self.assertAlmostEqual(sum(measured["tokensInWindow"]["tokens"]), 48, delta=0.5)
        self.assertAlmostEqual(max(measured["inFlight"]["values"]), 2, delta=0.01)

    def test_an_answer_that_is_not_streamed_has_no_first_token(self):
        usage = {"prompt_tokens": 20, "completion_tokens": 6}
        body = json.dumps({"choices": [{"text": "one two", "finish_reason": "length"}], "usage": usage}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        with FakeStreamServer(Diary(head + body)) as server:
            measured = load([Target("127.0.0.1", server.port)], "closed-loop", requests=3, stream=False)
        requests = measured["requests"]
        self.assertEqual((requests["ttftMs"], requests["outputTokens"], requests["failure"]), ([None] * 3, [6] * 3, [None] * 3))
        self.assertTrue(all(e2e > 0 for e2e in requests["e2eMs"]))


class CutOff(unittest.TestCase):
    def test_what_was_measured_until_then_can_be_kept(self):
        unanswered = []

        def script(exchange):
            if exchange.number >= 6:
                unanswered.append(1)
                return
            exchange.send(GOOD)

        with FakeStreamServer(script) as server:
            measured = load(
                [Target("127.0.0.1", server.port)],
                "closed-loop",
                # Both streams have begun another one: all before have been read.
                should_stop=lambda: len(unanswered) == 2,
                keeps=True,
                requests=1000,
                concurrency=2,
            )
        self.assertEqual(measured["requests"]["failure"], [None] * 6)

    def test_where_nothing_was_there_is_no_measurement(self):
        with FakeStreamServer(lambda _: None) as server, self.assertRaises(LoadError) as raised:
            load([Target("127.0.0.1", server.port)], "closed-loop", should_stop=lambda: True, keeps=True)
        self.assertEqual(raised.exception.kind, "cancelled")


class Processes(unittest.TestCase):
    def test_parts_of_several_are_one_measurement(self):
        diary = Diary()
        with FakeStreamServer(diary) as server:
            measured = load(
                [Target("127.0.0.1", server.port)],
                "closed-loop",
                requests=30,
                concurrency=6,
                warmupRequests=5,
                processes=3,
            )
            self.assertEqual(server.connections, 6)
        requests = measured["requests"]
        self.assertEqual({len(column) for column in requests.values()}, {30})
        self.assertEqual(requests["sentMs"], sorted(requests["sentMs"]))
        self.assertEqual(sum(count for _, count in measured["gaps"]["counts"]), 30 * 4)
        self.assertEqual((measured["client"]["processes"], measured["client"]["events"]), (3, 150))
        self.assertAlmostEqual(sum(measured["tokensInWindow"]["tokens"]), 180, delta=1)
        # No two prompts are alike, over all processes.
        self.assertEqual(len({tuple(body["prompt"][:16]) for body in diary.bodies}), 35)

    def test_an_open_loop_keeps_its_one_schedule_also_where_a_process_comes_late_to_it(self):
        for begins_after in (0.1, -0.05):
            patched = mock.patch.object(parallel, "_BEGIN_AFTER_SECONDS", begins_after)
            with self.subTest(begins_after=begins_after), patched, FakeStreamServer(Diary()) as server:
                measured = load(
                    [Target("127.0.0.1", server.port)],
                    "open-loop",
                    requests=20,
                    requestsPerSecond=100,
                    arrivals="constant",
                    processes=2,
                )
                due = sorted(measured["requests"]["scheduledMs"])
                for at in range(20):
                    self.assertAlmostEqual(due[at] - due[0], at * 10.0, delta=0.01)

    def test_a_warm_up_of_which_nothing_succeeds_is_said_once(self):
        with FakeStreamServer(lambda exchange: exchange.send(recorded_vllm.whole("no-key"))) as server:
            with self.assertRaises(LoadError) as raised:
                load([Target("127.0.0.1", server.port)], "closed-loop", concurrency=4, warmupRequests=4, processes=2)
        self.assertIn("HTTP 401", raised.exception.message)

    def test_a_process_that_is_killed_is_not_passed_over(self):
        killed = []

        def kill_one():
            if not killed and parallel_children:
                killed.append(1)
                os.kill(parallel_children[0].pid, signal.SIGKILL)
            return False

        parallel_children = []
        real = parallel._collect

        def seen(job, children, on_progress):
            parallel_children.extend(children)
            return real(job, children, on_progress)

        with FakeStreamServer(lambda _: None) as server, mock.patch.object(parallel, "_collect", seen):
            with self.assertRaises(LoadError) as raised:
                load([Target("127.0.0.1", server.port)], "closed-loop", should_stop=kill_one, concurrency=4, processes=2)
        self.assertIn("ended without a result", raised.exception.message)


class Urls(unittest.TestCase):
    def test_hosts_ports_and_paths(self):
        for url, expected in (
            ("http://h:8000", ("h", 8000, "")),
            ("h:8000/v1/", ("h", 8000, "")),
            ("https://api.example.com/v1", ("api.example.com", 443, "")),
            ("http://[::1]:9/team/a/v1", ("::1", 9, "/team/a")),
        ):
            target = target_of_url(url)
            self.assertEqual((target.host, target.port, target.path), expected)
            self.assertEqual(target.tls is not None, url.startswith("https"))


class Tls(unittest.TestCase):
    """Over TLS: the same measurement, without the kernel's stamps, and certificates are checked."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="loadline-tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate, cls.key = (os.path.join(cls.folder.name, name) for name in ("certificate.pem", "key.pem"))
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", cls.key, "-out", cls.certificate],
            stderr=subprocess.PIPE,
        )
        if made.returncode:
            raise AssertionError(made.stderr.decode())

    def serve(self, script):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return FakeStreamServer(script, wrap=lambda connection: context.wrap_socket(connection, server_side=True))

    def trusting(self, port):
        context = ssl.create_default_context(cafile=self.certificate)
        return Target("127.0.0.1", port, None, context)

    def test_is_measured_as_plain_http_is(self):
        with self.serve(Diary()) as server:
            measured = load([self.trusting(server.port)], "closed-loop", requests=12, concurrency=3, warmupRequests=2)
            self.assertEqual(server.connections, 3)
        requests = measured["requests"]
        self.assertEqual((requests["failure"], requests["chunks"]), ([None] * 12, [5] * 12))
        self.assertEqual(measured["client"]["stampedReads"], 0.0)

    def test_an_answer_of_many_records_is_read_whole(self):
        tokens = recorded_vllm.events(recorded_vllm.COMPLETION)[:1] * 2000
        big = recorded_vllm.stream(tokens + [b"data: [DONE]\n\n"])
        with self.serve(Diary(big)) as server:
            measured = load([self.trusting(server.port)], "closed-loop", requests=2, concurrency=1)
        self.assertEqual((measured["requests"]["chunks"], measured["requests"]["failure"]), ([2000] * 2, [None] * 2))

    def test_connections_that_are_opened_during_the_load_shake_hands_too(self):
        closing = recorded_vllm.stream(recorded_vllm.events(recorded_vllm.COMPLETION), b"Connection: close\r\n")

        def script(exchange):
            exchange.send(closing)
            exchange.close()

        with self.serve(script) as server:
            measured = load([self.trusting(server.port)], "open-loop", requests=6, requestsPerSecond=200)
        self.assertEqual(measured["requests"]["failure"], [None] * 6)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        with self.serve(Diary()) as server:
            target = Target("127.0.0.1", server.port, None, ssl.create_default_context())
            measured = load([target], "closed-loop", requests=2)
        self.assertEqual(set(measured["requests"]["failure"]), {"connect"})
        self.assertIn("CERTIFICATE_VERIFY_FAILED", measured["failureExamples"][0]["message"])


if __name__ == "__main__":
    unittest.main()
