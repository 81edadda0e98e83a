// System calls that glibc shows only under _GNU_SOURCE (recvmmsg, sendmmsg, epoll_pwait2, accept4,
// renameat2) and what is told in control messages (ECN, UDP_SEGMENT).
// Functions return a negative errno when they fail.
#pragma once
#include <stdint.h>

typedef struct {
  uint8_t family;  // 4 or 6
  uint8_t ip[16];  // network order; IPv4 in the first four
  uint16_t port;
} assay_address;

typedef struct {
  void *bytes;
  uint32_t count;  // receiving: the room at first, then what arrived
  uint8_t ecn;     // RFC 3168 section 5
  uint8_t is_truncated;
  assay_address remote;
} assay_datagram;

typedef struct {
  uint32_t sent;      // datagrams taken by the kernel
  uint32_t failed;    // datagrams it refused
  uint32_t calls;     // of sendmmsg
  uint32_t messages;  // handed over in them; fewer than datagrams where segments were joined
} assay_send_result;

typedef struct {
  uint64_t token;
  uint32_t events;
} assay_event;

enum { ASSAY_DATAGRAM_BATCH = 64 };
enum { ASSAY_READABLE = 1, ASSAY_WRITABLE = 2, ASSAY_HUNG_UP = 4 };

int64_t assay_monotonic_nanoseconds(void);

// Bytes that malloc has given out and not got back.
int64_t assay_memory_in_use(void);

// Swaps two paths in one step.
int assay_exchange(const char *one, const char *other);

int assay_epoll_open(void);
int assay_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int assay_epoll_change(int epoll, int fd, uint32_t events, uint64_t token);
int assay_epoll_remove(int epoll, int fd);
// Waits for at most `nanoseconds`; forever below zero. An interruption is no event.
int assay_epoll_wait(int epoll, assay_event *events, int capacity, int64_t nanoseconds);

// Sockets do not block. `address` becomes what the socket is bound to.
int assay_udp_bind(assay_address *address, int buffer_size);
// Whether the kernel cuts segments for this socket (UDP_SEGMENT).
int assay_udp_can_segment(int fd);
// How many datagrams found the socket's buffer full so far.
int64_t assay_udp_drops(int fd);
// At most ASSAY_DATAGRAM_BATCH datagrams in one call.
int assay_udp_receive(int fd, assay_datagram *datagrams, int count);
// Sends every datagram it can; those to one destination keep their order.
void assay_udp_send(
    int fd, const assay_datagram *datagrams, int count, int *can_segment,
    assay_send_result *result);

int assay_tcp_listen(assay_address *address, int backlog);
int assay_tcp_accept(int fd, assay_address *remote);
int assay_tcp_connect(const assay_address *remote);
// Zero, or the negative errno with which connecting ended.
int assay_tcp_connected(int fd);
int64_t assay_read(int fd, void *bytes, uint64_t count);
int64_t assay_write(int fd, const void *bytes, uint64_t count);
void assay_shutdown_write(int fd);
void assay_close(int fd);

typedef struct {
  char name[16];
  assay_address address;
} assay_interface;
// Addresses of interfaces that are up, loopback and IPv6 link-local ones left out.
int assay_interfaces(assay_interface *interfaces, int capacity);

// Bytes from the system's random source.
void assay_random(void *bytes, uint64_t count);
