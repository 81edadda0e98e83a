#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

// The kernel's UDP_MAX_SEGMENTS, and the largest UDP payload over IPv4.
enum { MAXIMUM_SEGMENTS = 64, MAXIMUM_PAYLOAD = 65507 };

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} socket_address;

static socklen_t write_address(const assay_address *from, socket_address *to) {
  memset(to, 0, sizeof *to);
  if (from->family == 4) {
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons(from->port);
    memcpy(&to->v4.sin_addr, from->ip, 4);
    return sizeof to->v4;
  }
  to->v6.sin6_family = AF_INET6;
  to->v6.sin6_port = htons(from->port);
  memcpy(&to->v6.sin6_addr, from->ip, 16);
  return sizeof to->v6;
}

static void read_address(const socket_address *from, assay_address *to) {
  memset(to, 0, sizeof *to);
  if (from->any.sa_family == AF_INET) {
    to->family = 4;
    to->port = ntohs(from->v4.sin_port);
    memcpy(to->ip, &from->v4.sin_addr, 4);
  } else {
    to->family = 6;
    to->port = ntohs(from->v6.sin6_port);
    memcpy(to->ip, &from->v6.sin6_addr, 16);
  }
}

static int is_same_address(const assay_address *a, const assay_address *b) {
  return a->port == b->port && a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

int assay_exchange(const char *one, const char *other) {
  return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0 ? 0 : -errno;
}

int64_t assay_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void assay_random(void *bytes, uint64_t count) {
  uint8_t *at = bytes;
  while (count > 0) {
    ssize_t n = getrandom(at, count, 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      __builtin_trap();
    }
    at += n;
    count -= (uint64_t)n;
  }
}

int64_t assay_memory_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return (int64_t)(info.uordblks + info.hblkhd);
}

// MARK: - Waiting

int assay_epoll_open(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.data.u64 = token};
  if (events & ASSAY_READABLE) event.events |= EPOLLIN;
  if (events & ASSAY_WRITABLE) event.events |= EPOLLOUT;
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int assay_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int assay_epoll_change(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int assay_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

static int wait_for(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
  static int has_nanoseconds = 1;
  if (has_nanoseconds) {
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int n = epoll_pwait2(epoll, events, capacity, nanoseconds < 0 ? NULL : &limit, NULL);
    if (n >= 0 || errno != ENOSYS) return n;
    has_nanoseconds = 0;
  }
  int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
  return epoll_wait(epoll, events, capacity, milliseconds > 60000 ? 60000 : (int)milliseconds);
}

int assay_epoll_wait(int epoll, assay_event *events, int capacity, int64_t nanoseconds) {
  struct epoll_event found[64];
  int n = wait_for(epoll, found, capacity < 64 ? capacity : 64, nanoseconds);
  if (n < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < n; i++) {
    uint32_t bits = found[i].events;
    events[i].token = found[i].data.u64;
    events[i].events = (bits & EPOLLIN ? ASSAY_READABLE : 0) |
                       (bits & EPOLLOUT ? ASSAY_WRITABLE : 0) |
                       (bits & (EPOLLERR | EPOLLHUP) ? ASSAY_HUNG_UP : 0);
  }
  return n;
}

// MARK: - UDP

static int open_bound(int type, assay_address *address) {
  socket_address local;
  socklen_t size = write_address(address, &local);
  int fd = socket(local.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int on = 1;
  if (local.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, &local.any, size) < 0 || getsockname(fd, &local.any, &size) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  read_address(&local, address);
  return fd;
}

int assay_udp_bind(assay_address *address, int buffer_size) {
  int fd = open_bound(SOCK_DGRAM, address);
  if (fd < 0) return fd;
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
  if (address->family == 4) {
    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
  } else {
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
  }
  return fd;
}

int assay_udp_can_segment(int fd) {
  int size;
  socklen_t length = sizeof size;
  return getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
}

int64_t assay_udp_drops(int fd) {
  // SO_MEMINFO; the last of its words is SK_MEMINFO_DROPS.
  uint32_t words[9] = {0};
  socklen_t length = sizeof words;
  if (getsockopt(fd, SOL_SOCKET, 55, words, &length) < 0) return -errno;
  return words[8];
}

typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
} control_buffer;

static uint8_t received_ecn(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) return *CMSG_DATA(c) & 3;
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
      int value;
      memcpy(&value, CMSG_DATA(c), sizeof value);
      return value & 3;
    }
  }
  return 0;
}

int assay_udp_receive(int fd, assay_datagram *datagrams, int count) {
  struct mmsghdr messages[ASSAY_DATAGRAM_BATCH];
  struct iovec rooms[ASSAY_DATAGRAM_BATCH];
  socket_address remotes[ASSAY_DATAGRAM_BATCH];
  control_buffer controls[ASSAY_DATAGRAM_BATCH];
  if (count > ASSAY_DATAGRAM_BATCH) count = ASSAY_DATAGRAM_BATCH;
  for (int i = 0; i < count; i++) {
    rooms[i] = (struct iovec){datagrams[i].bytes, datagrams[i].count};
    messages[i].msg_len = 0;
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &remotes[i], .msg_namelen = sizeof remotes[i],
        .msg_iov = &rooms[i], .msg_iovlen = 1,
        .msg_control = &controls[i], .msg_controllen = sizeof controls[i]};
  }
  int n;
  do {
    n = recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT, NULL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  for (int i = 0; i < n; i++) {
    datagrams[i].count = messages[i].msg_len;
    datagrams[i].is_truncated = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    datagrams[i].ecn = received_ecn(&messages[i].msg_hdr);
    read_address(&remotes[i], &datagrams[i].remote);
  }
  return n;
}

// What leaves in one call of sendmmsg. A message holds the datagrams that the kernel shall cut apart.
typedef struct {
  struct mmsghdr messages[ASSAY_DATAGRAM_BATCH];
  struct iovec pieces[ASSAY_DATAGRAM_BATCH];
  socket_address remotes[ASSAY_DATAGRAM_BATCH];
  control_buffer controls[ASSAY_DATAGRAM_BATCH];
  int count;
} send_batch;

static void add_control(struct msghdr *message, int level, int type, const void *value, size_t n) {
  struct cmsghdr *c =
      (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(n);
  memcpy(CMSG_DATA(c), value, n);
  message->msg_controllen += CMSG_SPACE(n);
}

static void finish_message(send_batch *batch, const assay_datagram *first) {
  struct msghdr *message = &batch->messages[batch->count].msg_hdr;
  message->msg_name = &batch->remotes[batch->count];
  message->msg_namelen = write_address(&first->remote, &batch->remotes[batch->count]);
  message->msg_control = &batch->controls[batch->count];
  message->msg_controllen = 0;
  memset(&batch->controls[batch->count], 0, sizeof batch->controls[batch->count]);
  if (message->msg_iovlen > 1) {
    uint16_t size = (uint16_t)first->count;
    add_control(message, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
  }
  if (first->ecn != 0) {
    int value = first->ecn;
    if (first->remote.family == 4) {
      add_control(message, IPPROTO_IP, IP_TOS, &value, sizeof value);
    } else {
      add_control(message, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
    }
  }
  if (message->msg_controllen == 0) message->msg_control = NULL;
  batch->count++;
}

// Gathers the datagrams of each destination; a run of equal sizes, the last of which may be
// shorter, becomes one message.
static void fill(send_batch *batch, const assay_datagram *datagrams, int count, int can_segment) {
  uint8_t is_taken[ASSAY_DATAGRAM_BATCH] = {0};
  int piece = 0;
  batch->count = 0;
  for (int i = 0; i < count; i++) {
    if (is_taken[i]) continue;
    const assay_datagram *first = &datagrams[i];
    struct msghdr *message = &batch->messages[batch->count].msg_hdr;
    memset(message, 0, sizeof *message);
    message->msg_iov = &batch->pieces[piece];
    uint32_t total = 0;
    for (int j = i; j < count; j++) {
      const assay_datagram *next = &datagrams[j];
      if (is_taken[j] || !is_same_address(&first->remote, &next->remote)) continue;
      if (j > i && (!can_segment || first->count == 0 || next->count == 0 ||
                    next->count > first->count || next->ecn != first->ecn ||
                    total + next->count > MAXIMUM_PAYLOAD ||
                    message->msg_iovlen == MAXIMUM_SEGMENTS)) {
        break;
      }
      batch->pieces[piece++] = (struct iovec){next->bytes, next->count};
      message->msg_iovlen++;
      is_taken[j] = 1;
      total += next->count;
      if (next->count < first->count) break;
    }
    finish_message(batch, first);
  }
}

// Sends a message's datagrams one by one, where the kernel would not cut it.
static void send_apart(int fd, struct msghdr *message, assay_send_result *result) {
  for (size_t i = 0; i < message->msg_iovlen; i++) {
    ssize_t n;
    do {
      n = sendto(fd, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len, MSG_DONTWAIT,
                 message->msg_name, message->msg_namelen);
    } while (n < 0 && errno == EINTR);
    if (n < 0) result->failed++; else result->sent++;
  }
}

void assay_udp_send(
    int fd, const assay_datagram *datagrams, int count, int *can_segment,
    assay_send_result *result) {
  send_batch batch;
  fill(&batch, datagrams, count, *can_segment);
  int next = 0;
  while (next < batch.count) {
    int n = sendmmsg(fd, &batch.messages[next], (unsigned)(batch.count - next), MSG_DONTWAIT);
    result->calls++;
    if (n < 0 && errno == EINTR) continue;
    for (int i = 0; i < n; i++) {
      result->sent += (uint32_t)batch.messages[next + i].msg_hdr.msg_iovlen;
      result->messages++;
    }
    if (n > 0) {
      next += n;
      continue;
    }
    struct msghdr *refused = &batch.messages[next].msg_hdr;
    if (refused->msg_iovlen > 1 && (errno == EIO || errno == EINVAL || errno == EOPNOTSUPP)) {
      // The route's device cannot compute the checksums that segmentation leaves to it.
      if (errno == EIO || errno == EOPNOTSUPP) *can_segment = 0;
      send_apart(fd, refused, result);
    } else {
      // Full buffers too: media that waits is worth less than media that is lost.
      result->failed += (uint32_t)refused->msg_iovlen;
    }
    next++;
  }
}

// MARK: - TCP

int assay_tcp_listen(assay_address *address, int backlog) {
  int fd = open_bound(SOCK_STREAM, address);
  if (fd < 0) return fd;
  if (listen(fd, backlog) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

static void send_at_once(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int assay_tcp_accept(int fd, assay_address *remote) {
  socket_address address;
  socklen_t size = sizeof address;
  int accepted;
  do {
    accepted = accept4(fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (accepted < 0) return -errno;
  send_at_once(accepted);
  read_address(&address, remote);
  return accepted;
}

int assay_tcp_connect(const assay_address *remote) {
  socket_address address;
  socklen_t size = write_address(remote, &address);
  int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  send_at_once(fd);
  if (connect(fd, &address.any, size) < 0 && errno != EINPROGRESS && errno != EINTR) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int assay_tcp_connected(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

int64_t assay_read(int fd, void *bytes, uint64_t count) {
  ssize_t n;
  do {
    n = recv(fd, bytes, count, MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int64_t assay_write(int fd, const void *bytes, uint64_t count) {
  ssize_t n;
  do {
    n = send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

void assay_shutdown_write(int fd) { shutdown(fd, SHUT_WR); }

void assay_close(int fd) { close(fd); }

// MARK: - Interfaces

int assay_interfaces(assay_interface *interfaces, int capacity) {
  struct ifaddrs *all;
  if (getifaddrs(&all) < 0) return -errno;
  int count = 0;
  for (struct ifaddrs *i = all; i != NULL && count < capacity; i = i->ifa_next) {
    if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
    int family = i->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socket_address *address = (const socket_address *)i->ifa_addr;
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr)) continue;
    strncpy(interfaces[count].name, i->ifa_name, sizeof interfaces[count].name - 1);
    interfaces[count].name[sizeof interfaces[count].name - 1] = 0;
    read_address(address, &interfaces[count].address);
    count++;
  }
  freeifaddrs(all);
  return count;
}
