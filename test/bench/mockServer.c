// A mock of a streaming inference server, to judge load generators by: it answers every POST with the same stream
// of tokens at fixed times, and each chunk says when it was sent. One thread; it spins just before a token is due.
//
//   mockServer FIRST_TOKEN_MS TOKEN_MS TOKENS [faults]     prints the port it listens on (127.0.0.1)
//
// Times within a chunk are CLOCK_MONOTONIC nanoseconds: received (the whole request), first (send of the first
// token), sent (send of this one).
//
// With `faults` one request in ten is answered as servers do on bad days, each kind as often: an error inside the stream
// of status 200; an end without [DONE]; the connection closed within the stream; every event in two sends; an event
// without a token before each token. GET /faults says how many of each there were, and how many
// streams were dropped because their reader was too slow.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STREAMS = 16384, REQUEST_BYTES = 1 << 20, EVENTS = 512 };

typedef struct {
  int descriptor;
  int generation;  // A stream that was closed leaves entries behind in the queues: they carry an older one.
  char *request;
  size_t requestBytes;
  int tokensLeft;
  int fault;
  int64_t received, first, due;
} Stream;

enum { NONE, ERROR_IN_STREAM, NO_DONE, CLOSED, SPLIT, EMPTY_EVENTS, FAULTS };
static const char *const faultNames[FAULTS] = {"none", "errorInStream", "noDone", "closed", "split", "emptyEvents"};
static int64_t faultCounts[FAULTS];
static int64_t requests;
static int64_t slowReaders;
static int withFaults;
// Of each ten, one: in turn of the five kinds.
enum { FAULT_EVERY = 10 };

typedef struct {
  int stream, generation;
} Entry;

// Streams wait in order of their due time, as all of one queue wait equally long.
typedef struct {
  Entry entries[MAX_STREAMS * 2];
  unsigned head, tail;
} Queue;

static Stream streams[MAX_STREAMS];
static Queue forFirst, forNext;
static int64_t firstTokenNs, tokenNs;
static int tokens;
static int epoll;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void push(Queue *queue, int stream) {
  queue->entries[queue->tail++ % (MAX_STREAMS * 2)] = (Entry){stream, streams[stream].generation};
}

// Index of the stream that waits longest in this queue, or -1.
static int front(Queue *queue) {
  while (queue->head != queue->tail) {
    Entry entry = queue->entries[queue->head % (MAX_STREAMS * 2)];
    if (streams[entry.stream].generation == entry.generation) return entry.stream;
    queue->head++;
  }
  return -1;
}

static void drop(Stream *stream) {
  close(stream->descriptor);
  stream->generation++;
  stream->requestBytes = 0;
  stream->tokensLeft = 0;
}

static void sendAll(Stream *stream, const char *data, size_t size) {
  // A reader that lets its buffer fill up would have to be waited for; this mock drops it instead.
  if (send(stream->descriptor, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) {
    slowReaders++;
    drop(stream);
  }
}

static size_t chunk(char *out, const char *payload) {
  return (size_t)sprintf(out, "%zx\r\n%s\r\n", strlen(payload), payload);
}

// The end of a stream whose fault cuts it off in the middle. Whether it did.
static int cutOff(Stream *stream) {
  if (stream->tokensLeft != tokens / 2) return 0;
  if (stream->fault == CLOSED) {
    drop(stream);
    return 1;
  }
  if (stream->fault != ERROR_IN_STREAM) return 0;
  char out[1024];
  size_t size = chunk(out, "data: {\"error\":{\"message\":\"the mock failed as told\",\"code\":500}}\n\n");
  size += chunk(out + size, "data: [DONE]\n\n");
  size += (size_t)sprintf(out + size, "0\r\n\r\n");
  stream->tokensLeft = 0;
  sendAll(stream, out, size);
  return 1;
}

static void sendToken(Stream *stream, int index) {
  static const char head[] =
      "HTTP/1.1 200 OK\r\nserver: mock\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
      "transfer-encoding: chunked\r\n\r\n";
  char payload[1024], out[4096];
  size_t size = 0;
  int isFirst = stream->tokensLeft == tokens;
  if (cutOff(stream)) return;
  int64_t sent = now();
  if (isFirst) {
    stream->first = sent;
    memcpy(out, head, sizeof head - 1);
    size = sizeof head - 1;
  }
  int last = --stream->tokensLeft == 0;
  if (stream->fault == EMPTY_EVENTS)
    size += chunk(out + size,
                  "data: {\"id\":\"cmpl-9559bd9109936687\",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":null}]}\n\n");
  sprintf(payload,
          "data: {\"id\":\"cmpl-9559bd9109936687\",\"object\":\"text_completion\",\"created\":1795268458,"
          "\"model\":\"mock\",\"choices\":[{\"index\":0,\"text\":\" token\",\"logprobs\":null,"
          "\"finish_reason\":%s,\"stop_reason\":null,\"token_ids\":null}],"
          "\"received\":%lld,\"first\":%lld,\"sent\":%lld}\n\n",
          last ? "\"length\"" : "null", (long long)stream->received, (long long)stream->first, (long long)sent);
  size += chunk(out + size, payload);
  if (last) {
    sprintf(payload,
            "data: {\"id\":\"cmpl-9559bd9109936687\",\"object\":\"text_completion\",\"created\":1795268458,"
            "\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"total_tokens\":%d,"
            "\"completion_tokens\":%d}}\n\n",
            tokens + 1, tokens);
    size += chunk(out + size, payload);
    if (stream->fault != NO_DONE) size += chunk(out + size, "data: [DONE]\n\n");
    size += (size_t)sprintf(out + size, "0\r\n\r\n");
  } else {
    stream->due += tokenNs;
    push(&forNext, index);
  }
  if (stream->fault == SPLIT) {
    // Within the event: its first half leaves alone.
    int generation = stream->generation;
    sendAll(stream, out, size / 2);
    if (stream->generation == generation) sendAll(stream, out + size / 2, size - size / 2);
    return;
  }
  sendAll(stream, out, size);
}

static void answerJson(Stream *stream, const char *body) {
  char out[2048];
  int size = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                      strlen(body), body);
  sendAll(stream, out, (size_t)size);
}

static void answerGet(Stream *stream) {
  char body[1024] = "{";
  if (!strncmp(stream->request, "GET /faults", 11)) {
    size_t size = 1;
    for (int fault = 1; fault < FAULTS; fault++)
      size += (size_t)sprintf(body + size, "%s\"%s\":%lld", fault > 1 ? "," : "", faultNames[fault],
                              (long long)faultCounts[fault]);
    sprintf(body + size, ",\"slowReaders\":%lld}", (long long)slowReaders);
    answerJson(stream, body);
    return;
  }
  answerJson(stream, "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"created\":1,\"owned_by\":\"mock\","
                     "\"root\":\"mock\",\"max_model_len\":1000000}]}");
}

static void readRequest(Stream *stream, int index) {
  ssize_t size = recv(stream->descriptor, stream->request + stream->requestBytes,
                      REQUEST_BYTES - 1 - stream->requestBytes, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    drop(stream);
    return;
  }
  stream->requestBytes += (size_t)size;
  stream->request[stream->requestBytes] = 0;
  char *end = strstr(stream->request, "\r\n\r\n");
  if (!end) return;
  char *length = strcasestr(stream->request, "content-length:");
  size_t whole = (size_t)(end + 4 - stream->request) + (length && length < end ? strtoul(length + 15, 0, 10) : 0);
  if (stream->requestBytes < whole) return;
  stream->requestBytes = 0;
  if (!strncmp(stream->request, "GET ", 4)) {
    answerGet(stream);
    return;
  }
  stream->received = now();
  stream->tokensLeft = tokens;
  stream->fault = withFaults && ++requests % FAULT_EVERY == 0 ? (int)(1 + requests / FAULT_EVERY % (FAULTS - 1)) : NONE;
  faultCounts[stream->fault]++;
  stream->due = stream->received + firstTokenNs;
  push(&forFirst, index);
}

static void acceptAll(int listener) {
  for (;;) {
    int descriptor = accept4(listener, 0, 0, SOCK_NONBLOCK);
    if (descriptor < 0) return;
    if (descriptor >= MAX_STREAMS) {
      close(descriptor);
      continue;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    Stream *stream = &streams[descriptor];
    stream->descriptor = descriptor;
    stream->requestBytes = 0;
    if (!stream->request) stream->request = malloc(REQUEST_BYTES);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
  }
}

int main(int count, char **arguments) {
  withFaults = count == 5 && !strcmp(arguments[4], "faults");
  if (count != 4 && !withFaults) {
    fprintf(stderr, "mockServer FIRST_TOKEN_MS TOKEN_MS TOKENS [faults]\n");
    return 2;
  }
  firstTokenNs = (int64_t)(atof(arguments[1]) * 1e6);
  tokenNs = (int64_t)(atof(arguments[2]) * 1e6);
  tokens = atoi(arguments[3]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, MAX_STREAMS)) {
    perror("mockServer");
    return 1;
  }
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int first = front(&forFirst), next = front(&forNext);
    int index = first < 0 || (next >= 0 && streams[next].due < streams[first].due) ? next : first;
    int64_t wait = index < 0 ? INT64_MAX : streams[index].due - now();
    if (wait <= 0) {
      (index == first ? &forFirst : &forNext)->head++;
      sendToken(&streams[index], index);
      continue;
    }
    // The last two milliseconds are spun: epoll waits in whole ones.
    int timeout = index < 0 ? -1 : wait > 2000000 ? (int)(wait / 1000000) - 1 : 0;
    int got = epoll_wait(epoll, ready, EVENTS, timeout);
    for (int i = 0; i < got; i++) {
      if (ready[i].data.fd == listener)
        acceptAll(listener);
      else
        readRequest(&streams[ready[i].data.fd], ready[i].data.fd);
    }
  }
}
