"""The reader of an answer: the same outcome wherever the bytes are cut."""

import json
import random
import unittest

import recorded_vllm
from loadline_agent.loadgen.response import ProtocolError, ResponseReader


def outcome(pieces, closed=False):
    """(events with a token, usage, failure, complete, connection kept)"""
    reader = ResponseReader()
    tokens = sum(reader.feed(piece) for piece in pieces)
    if closed:
        tokens += reader.closed()
    return tokens, tuple(reader.usage()[:2]), reader.failure(tokens), reader.complete, reader.keep_alive


def event(**choice):
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode("utf-8") + b"\n\n"


def chat(delta, finish=None):
    return event(index=0, delta=delta, finish_reason=finish)


DONE = b"data: [DONE]\n\n"
CHAT = [
    chat({"role": "assistant", "content": ""}),
    chat({"content": "Grüße"}),
    chat({"content": "世界 data: {\"text\":\"\"} \"usage\" \r\n\r\n \U0001f30d"}),
    chat({"reasoning_content": "because"}),
    chat({"content": None}),
    chat({}, "stop"),
    b'data: {"choices":[],"usage":{"prompt_tokens":7,"total_tokens":11,"completion_tokens":4}}\n\n',
    DONE,
]
COMPLETION = recorded_vllm.events(recorded_vllm.COMPLETION)
ERROR_AFTER_TOKENS = COMPLETION[:2] + [b'data: {"error": {"message": "engine died", "code": 500}}\n\n', DONE]

ANSWERS = {
    "vLLM's completion": (recorded_vllm.stream(COMPLETION), (5, (5, 6), None, True, True)),
    "vLLM's error inside a 200 stream": (
        recorded_vllm.stream(recorded_vllm.events(recorded_vllm.ERROR_IN_STREAM)),
        (0, (None, None), ("error-in-stream", "The decoder prompt cannot be empty"), True, True),
    ),
    "an error after tokens": (
        recorded_vllm.stream(ERROR_AFTER_TOKENS),
        (2, (5, 2), ("error-in-stream", "engine died"), True, True),
    ),
    "vLLM's 401": (
        recorded_vllm.whole("no-key"),
        (0, (None, None), ("http-status", "HTTP 401: Unauthorized"), True, True),
    ),
    "chat with empty, role and finish chunks": (recorded_vllm.stream(CHAT), (3, (7, 4), None, True, True)),
    "events of several chunks, chunks of several events": (
        recorded_vllm.stream([b"".join(CHAT)[at : at + 97] for at in range(0, len(b"".join(CHAT)), 97)]),
        (3, (7, 4), None, True, True),
    ),
    "events that end with CR LF": (
        recorded_vllm.stream([text.replace(b"\n\n", b"\r\n\r\n") for text in CHAT]),
        (3, (7, 4), None, True, True),
    ),
    "a stream without [DONE]": (
        recorded_vllm.stream(COMPLETION[:-1]),
        (5, (5, 6), ("incomplete-stream", "the stream ended without [DONE], after 5 events"), True, True),
    ),
    "no token at all": (
        recorded_vllm.stream([CHAT[0], CHAT[5], DONE]),
        (0, (None, None), ("no-tokens", "the stream ended without a token"), True, True),
    ),
    "after 100 Continue, with trailers and a connection that ends": (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        + recorded_vllm.stream(COMPLETION, b"Connection: close\r\n")[:-2]
        + b"x-trailer: 1\r\n\r\n",
        (5, (5, 6), None, True, False),
    ),
    "a stream with its length": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b"
        % (len(b"".join(COMPLETION)), b"".join(COMPLETION)),
        (5, (5, 6), None, True, True),
    ),
    "a whole answer where a stream was asked for": (
        recorded_vllm.whole("version"),
        (0, (None, None), ("protocol", 'the answer is not an event stream: {"version":"0.26.0"}'), True, True),
    ),
    "usage in the last event with a token": (
        recorded_vllm.stream([CHAT[1], COMPLETION[4], DONE]),
        (2, (5, 6), None, True, True),
    ),
}


class Splits(unittest.TestCase):
    def test_every_cut_in_two_gives_the_same(self):
        for name, (data, expected) in ANSWERS.items():
            for at in range(1, len(data)):
                with self.subTest(name, at=at):
                    self.assertEqual(outcome([data[:at], data[at:]]), expected)

    def test_byte_by_byte_gives_the_same(self):
        for name, (data, expected) in ANSWERS.items():
            with self.subTest(name):
                self.assertEqual(outcome([data[at : at + 1] for at in range(len(data))]), expected)

    def test_any_cuts_give_the_same(self):
        generator = random.Random(1)
        for name, (data, expected) in ANSWERS.items():
            for _ in range(50):
                cuts = sorted(generator.sample(range(1, len(data)), generator.randint(2, 20)))
                pieces = [data[start:end] for start, end in zip([0] + cuts, cuts + [len(data)])]
                with self.subTest(name, cuts=cuts):
                    self.assertEqual(outcome(pieces), expected)


class BetweenEvents(unittest.TestCase):
    """Only there may a read be counted without the reader."""

    def test_true_exactly_after_whole_chunks_that_end_an_event(self):
        data = recorded_vllm.stream([COMPLETION[0], COMPLETION[1][:20], COMPLETION[1][20:]])
        head = data.index(b"\r\n\r\n") + 4
        first = head + len(recorded_vllm.chunk(COMPLETION[0]))
        second = first + len(recorded_vllm.chunk(COMPLETION[1][:20])) + len(recorded_vllm.chunk(COMPLETION[1][20:]))
        for at in range(1, len(data)):
            reader = ResponseReader()
            reader.feed(data[:at])
            with self.subTest(at=at):
                self.assertEqual(reader.between_events, at in (head, first, second))


class Ends(unittest.TestCase):
    def test_a_stream_without_framing_ends_with_its_connection(self):
        data = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(COMPLETION)
        self.assertEqual(outcome([data], closed=True), (5, (5, 6), None, True, False))
        # The blank line after [DONE] is not missed at the end.
        self.assertEqual(outcome([data[:-2]], closed=True), (5, (5, 6), None, True, False))

    def test_a_connection_closed_within_the_stream(self):
        data = recorded_vllm.stream(COMPLETION)
        tokens, _, failure, complete, _ = outcome([data[:-5]], closed=True)
        self.assertEqual((tokens, complete), (5, False))
        self.assertEqual(failure, ("incomplete-stream", "the connection ended within the stream, after 5 events"))

    def test_a_long_error_body_is_cut(self):
        body = b"x" * 1000000
        data = b"HTTP/1.1 500 X\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        self.assertLess(len(outcome([data])[2][1]), 70000)

    def test_messages_in_the_shapes_that_servers_use(self):
        too_deep = b'{"error":' + b"[" * 20000 + b"]" * 20000 + b"}"
        shapes = {
            b'{"error":{"message":"too long","code":400}}': "too long",
            b'{"object":"error","message":"too long"}': "too long",
            b'{"error":"too long"}': "too long",
            b'{"detail":"too long"}': "too long",
            b'{"error":{"code":1}}': '{"code": 1}',
            b"<html>": "<html>",
            too_deep: too_deep.decode(),
            b"": "no body",
        }
        for body, message in shapes.items():
            data = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
            with self.subTest(body):
                self.assertEqual(outcome([data])[2], ("http-status", "HTTP 400: " + message))


class Kept(unittest.TestCase):
    """What the loop and the next turn need of an answer beside its outcome."""

    def fed(self, data, **options):
        reader = ResponseReader(**options)
        return reader, reader.feed(data)

    def test_whether_a_token_came_last(self):
        token, tail = COMPLETION[0], DONE
        head = recorded_vllm.stream([])[:-5]
        chunk = recorded_vllm.chunk
        for data, last in (
            (head + chunk(token), True),
            (head + chunk(token) + chunk(tail), False),
            (head + chunk(token) + chunk(token)[:30], False),
            (head, False),
        ):
            with self.subTest(data):
                self.assertEqual(self.fed(data)[0].token_was_last, last)

    def test_cached_tokens_where_usage_has_details(self):
        usage = {"prompt_tokens": 50, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 32}}
        last = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        reader, _ = self.fed(recorded_vllm.stream(COMPLETION[:-1] + [last, DONE]))
        self.assertEqual(reader.usage(), (50, 5, 32))

    def test_the_answer_of_a_turn_escaped_as_it_came(self):
        said = ["a \\ ", 'b "c" ', "é\n"]
        reader, _ = self.fed(
            recorded_vllm.stream([chat({"content": word}) for word in said] + [DONE]), keeps_answer=True
        )
        self.assertEqual(json.loads('"' + reader.answer(False) + '"'), "".join(said))

    def test_the_ids_of_a_turn(self):
        events = [event(text="x", token_ids=ids, prompt_token_ids=None) for ids in ([5], [6, 7])]
        reader, _ = self.fed(recorded_vllm.stream(events + [DONE]), keeps_answer=True)
        self.assertEqual(json.loads("[" + reader.answer(True) + "]"), [5, 6, 7])

    def test_an_answer_that_was_not_kept_is_empty(self):
        reader, _ = self.fed(recorded_vllm.stream(COMPLETION))
        self.assertEqual(reader.answer(False), "")


class NotStreamed(unittest.TestCase):
    def outcome(self, body, cut=None):
        data = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        reader = ResponseReader(streamed=False)
        pieces = [data] if cut is None else [data[:cut], data[cut:]]
        tokens = sum(reader.feed(piece) for piece in pieces)
        return tokens, reader.failure(tokens), reader.usage()

    def test_the_document_is_the_answer_wherever_it_is_cut(self):
        usage = {"prompt_tokens": 5, "completion_tokens": 6}
        body = json.dumps({"choices": [{"text": "hello", "finish_reason": "length"}], "usage": usage}).encode()
        for cut in range(1, len(body)):
            self.assertEqual(self.outcome(body, cut), (1, None, (5, 6, None)))

    def test_an_error_of_status_200_and_an_empty_answer_are_failures(self):
        self.assertEqual(self.outcome(b'{"error":{"message":"busy"}}')[1], ("error-in-stream", "busy"))
        self.assertEqual(self.outcome(b'{"choices":[{"text":""}]}')[1][0], "no-tokens")
        self.assertEqual(self.outcome(b"<html>")[1][0], "protocol")


class NotHttp(unittest.TestCase):
    def test_what_is_not_http_is_refused(self):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
        for data in (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000,
            head + b"xyz\r\n",
            head + b"-5\r\n",
            head + b"5\r\nhello!\r\n",
            head + b"5" * 5000,
            head + b"0\r\n\r\nHTTP/1.1 200 OK\r\n",
        ):
            with self.subTest(data[:60]), self.assertRaises(ProtocolError):
                ResponseReader().feed(data)

    def test_chunk_extensions_are_read_over(self):
        data = recorded_vllm.stream(COMPLETION).replace(b"0\r\n\r\n", b"000;last\r\n\r\n")
        self.assertEqual(outcome([data])[0], 5)


if __name__ == "__main__":
    unittest.main()
