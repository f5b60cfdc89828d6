// What Swift's Glibc module leaves out: epoll, eventfd, pipe2, memfd_create, accept4, a thread's name, a socket peer's
// identity, news of the network, and of the clock.
//
// No system header with types is included here: a type that two modules both own is seen by Swift as either's.
#ifndef PUSHD_CLINUX_H
#define PUSHD_CLINUX_H

#include <stddef.h>
#include <stdint.h>

// What epoll reports about one descriptor.
struct linux_ready {
    uint64_t token;
    uint32_t events;
};

extern const uint32_t linux_epollin;
extern const uint32_t linux_epollout;
extern const uint32_t linux_epollhup;
extern const uint32_t linux_epollerr;

// All of these return -1 and set errno where they fail, as the system calls do that they are named after.

int linux_epoll_create(void);
int linux_epoll_add(int set, int descriptor, uint32_t events, uint64_t token);
int linux_epoll_change(int set, int descriptor, uint32_t events, uint64_t token);
int linux_epoll_remove(int set, int descriptor);
// Fills `ready`, which has room for `capacity` (at most 64), and returns how many.
int linux_epoll_wait(int set, struct linux_ready *ready, int capacity, int milliseconds);

int linux_eventfd(void);

// A file in memory, without a name and closed in child processes.
int linux_memory_file(void);

// Two ends that are closed in child processes: what is written to [1] is read from [0].
int linux_pipe(int ends[2]);

// Takes a connection that does not block and is closed in child processes, from the start.
int linux_accept(int listener);

// Is sent what changes about links, addresses and routes: rtnetlink(7). Does not block, closed in child processes.
int linux_route_socket(void);

// Readable when the wall clock was set or the machine has slept, until it is rearmed: timerfd_create(2),
// TFD_TIMER_CANCEL_ON_SET.
int linux_clock_timer(void);
int linux_clock_timer_rearm(int timer);

// Whether a time server keeps the clock right: adjtimex(2), STA_UNSYNC. -1 where the system does not tell.
int linux_clock_is_synchronized(void);

// A file without a name in the directory, closed in child processes: open(2), O_TMPFILE.
int linux_unnamed_file(const char *directory);

// Names the calling thread; the kernel cuts at 15 bytes.
void linux_name_thread(const char *name);

// The process at the other end of a Unix socket, as it was when it connected: unix(7), SO_PEERCRED.
int linux_peer(int descriptor, int32_t *pid, uint32_t *uid, uint32_t *gid);

// Its supplementary groups: unix(7), SO_PEERGROUPS, Linux 4.13. *size is in bytes, both ways; ERANGE where it was too small.
int linux_peer_groups(int descriptor, uint32_t *groups, uint32_t *size);

// Keeps the calling thread's ambient capabilities, and those of threads that it makes, from programs that it runs:
// capabilities(7). What it may do itself stays.
void linux_drop_ambient_capabilities(void);

// Whether the calling thread may read files whatever their mode: CAP_DAC_READ_SEARCH.
int linux_reads_all_files(void);

// No dump of the process's memory, and no look into it by other processes of its user: prctl(2), PR_SET_DUMPABLE.
void linux_hide_memory(void);

// A socket that keeps messages apart, with a name that the kernel chose, which listens; closed in child processes.
// *name is filled with the address, of `size` bytes.
int linux_listen_unnamed(void *name, uint32_t *size);
int linux_connect_packets(const void *name, uint32_t size);
// By the path of a socket; ENAMETOOLONG where it is longer than an address.
int linux_connect_packets_at(const char *path);
// What receives on the socket fails with EAGAIN after so many seconds.
int linux_limit_waiting(int socket, int seconds);

// One message, and a descriptor with it unless that is -1.
int linux_send_file(int socket, const void *bytes, size_t count, int descriptor);
// One message, of at most `capacity` bytes; EMSGSIZE where it was longer. *descriptor is -1 where none came.
// Returns 0 at the end.
long linux_receive_file(int socket, void *bytes, size_t capacity, int *descriptor);

// fork(2), for a process that has no second thread.
int linux_fork(void);
// Takes the user's place for good, with no right of the process that it was: 0, or -1.
int linux_become(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count);
// The kernel ends this process with the one that started it.
void linux_end_with_parent(void);

// access(2) with the rights that the process acts with, capabilities included.
int linux_may_access(const char *path, int mode);

#endif
