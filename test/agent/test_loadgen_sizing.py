"""Prompts of so many tokens for servers whose words are longer than a token, or that take no ids."""

import json
import unittest

from fake_stream_server import FakeStreamServer
from loadline_agent.loadgen.prompts import WORDS, Sizing
from loadline_agent.loadgen.requests import RequestFactory
from loadline_agent.loadgen.sizing import size_prompts, as_the_server_takes_it
from loadline_agent.loadgen.targets import Target

from test_loadgen_profile import profile


class Tokenizing:
    """A server whose words cost `cost(word)` tokens, and a prompt `overhead` more. `shape` makes the answer of /tokenize of
    a number of tokens; None: it has no such route. `usage`: it says how many it read."""

    def __init__(self, cost=lambda _: 1, overhead=0, shape=lambda count: {"count": count}, usage=True, chat=True):
        self.cost, self.overhead, self.shape, self.usage, self.chat = cost, overhead, shape, usage, chat

    def tokens(self, text):
        return self.overhead + sum(self.cost(word) for word in text.split())

    def __call__(self, exchange):
        head, _, payload = exchange.request.partition(b"\r\n\r\n")
        route, body = head.split()[1].decode(), json.loads(payload.decode())
        messages = body.get("messages")
        count = self.tokens(messages[0]["content"] if messages else body["prompt"])
        if route == "/tokenize":
            known = self.shape is not None and (self.chat or not messages)
            self.send(exchange, 200 if known else 404, self.shape(count) if known else {"detail": "Not Found"})
        else:
            usage = {"prompt_tokens": count, "completion_tokens": 1}
            self.send(exchange, 200, {"choices": [{"text": " a"}], **({"usage": usage} if self.usage else {})})

    @staticmethod
    def send(exchange, status, document):
        body = json.dumps(document).encode()
        exchange.send(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


class Prompts(unittest.TestCase):
    def lengths(self, server, chat, asked=300):
        """What prompts of `asked` tokens come to at the server, and how they were sized."""
        with FakeStreamServer(server) as listening:
            sizing = size_prompts(Target("127.0.0.1", listening.port), "m", chat)
        made = RequestFactory(
            profile(api="chat" if chat else "completions", prompt="text", input={"kind": "fixed", "tokens": asked}),
            [Target("h", 1)],
            "m",
            sizing=sizing,
        )
        come_to = []
        for serial in range(30):
            body = json.loads(made.request(serial).partition(b"\r\n\r\n")[2].decode())
            come_to.append(server.tokens(body["messages"][0]["content"] if chat else body["prompt"]))
        return come_to, sizing.by

    def test_by_the_servers_tokenizer_they_are_exact_template_included(self):
        for shape in (
            lambda count: {"count": count, "max_model_len": 9, "tokens": [1] * count},  # vLLM, SGLang
            lambda count: {"tokens": [1] * count},  # llama.cpp
            lambda count: [{"id": 1}] * count,  # TGI
        ):
            for chat in (False, True):
                come_to, by = self.lengths(Tokenizing(overhead=23 if chat else 1, shape=shape), chat)
                self.assertEqual((set(come_to), by), ({300}, "tokenize"))

    def test_words_that_are_no_single_token_are_left_out(self):
        hard = set(WORDS[::3])
        come_to, by = self.lengths(Tokenizing(cost=lambda word: 2 if word in hard else 1, overhead=1), False)
        self.assertEqual((set(come_to), by), ({300}, "tokenize"))

    def test_where_no_word_is_a_token_their_mean_counts(self):
        come_to, by = self.lengths(Tokenizing(cost=lambda word: 2 + len(word) % 2, overhead=1), False)
        self.assertEqual(by, "tokenize")
        self.assertAlmostEqual(sum(come_to) / len(come_to) / 300, 1.0, delta=0.03)

    def test_a_chat_whose_template_the_tokenizer_does_not_know_is_counted_by_usage(self):
        come_to, _ = self.lengths(Tokenizing(overhead=23, chat=False), True)
        self.assertEqual(set(come_to), {300})

    def test_without_a_tokenizer_two_short_requests_say_it(self):
        for chat in (False, True):
            come_to, by = self.lengths(Tokenizing(cost=lambda _: 2, overhead=12, shape=None), chat)
            self.assertEqual(by, "usage")
            self.assertLessEqual(max(abs(count - 300) for count in come_to), 2)

    def test_where_nothing_says_it_a_word_is_a_token(self):
        come_to, by = self.lengths(Tokenizing(shape=None, usage=False), False)
        self.assertEqual((set(come_to), by), ({300}, "words"))

    def test_a_server_that_is_not_there_is_not_waited_for(self):
        self.assertEqual(size_prompts(Target("127.0.0.1", 1), "m", True), Sizing())


class TokenIds(unittest.TestCase):
    def prompt_for(self, status, document):
        with FakeStreamServer(lambda exchange: Tokenizing.send(exchange, status, document)) as server:
            return as_the_server_takes_it(Target("127.0.0.1", server.port), "m", profile())["prompt"]

    def test_are_sent_where_they_are_counted_as_such(self):
        for tokens in (32, 33):
            usage = {"prompt_tokens": tokens, "completion_tokens": 1}
            self.assertEqual(self.prompt_for(200, {"choices": [], "usage": usage}), "token-ids")
        self.assertEqual(self.prompt_for(200, {"choices": []}), "token-ids")

    def test_are_text_where_they_are_refused_or_read_as_text(self):
        self.assertEqual(self.prompt_for(422, {"error": "prompt: invalid type: sequence, expected a string"}), "text")
        usage = {"prompt_tokens": 160, "completion_tokens": 1}
        self.assertEqual(self.prompt_for(200, {"choices": [], "usage": usage}), "text")

    def test_what_has_other_reasons_is_left_to_the_load_to_say(self):
        for status in (401, 404, 500, 503):
            self.assertEqual(self.prompt_for(status, {"detail": "no"}), "token-ids")

    def test_text_stays_text(self):
        asked = profile(prompt="text")
        self.assertIs(as_the_server_takes_it(Target("127.0.0.1", 1), "m", asked), asked)


class IgnoreEos(unittest.TestCase):
    def test_is_left_out_where_the_server_refuses_it(self):
        def script(exchange):
            refused = b"ignore_eos" in exchange.request
            message = {"detail": "Unsupported fields in the request: {'ignore_eos'}"}
            Tokenizing.send(exchange, 422 if refused else 200, message if refused else {"choices": []})

        for changes in ({}, {"prompt": "text"}, {"prompt": "text", "api": "chat"}):
            with FakeStreamServer(script) as server:
                settled = as_the_server_takes_it(Target("127.0.0.1", server.port), "m", profile(**changes))
            self.assertIs(settled["ignoreEos"], False)
            request = RequestFactory(settled, [Target("h", 1)], "m").request(0)
            self.assertNotIn(b"ignore_eos", request)

    def test_is_asked_for_where_it_is_not(self):
        with FakeStreamServer(lambda exchange: Tokenizing.send(exchange, 200, {"choices": []})) as server:
            settled = as_the_server_takes_it(Target("127.0.0.1", server.port), "m", profile())
        self.assertIn(b'"ignore_eos":true', RequestFactory(settled, [Target("h", 1)], "m").request(0))


if __name__ == "__main__":
    unittest.main()
