// What Swift's Glibc module leaves out: epoll, eventfd, accept4, a thread's name and a socket peer's identity.
//
// _GNU_SOURCE stays undefined, as in the Glibc module: with it some types of shared headers would differ.
#ifndef PUSHD_CLINUX_H
#define PUSHD_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// The constants are enumerators in C, which reach Swift as types of their own.
static const uint32_t pushd_epollin = EPOLLIN;
static const uint32_t pushd_epollout = EPOLLOUT;
static const uint32_t pushd_epollhup = EPOLLHUP;
static const uint32_t pushd_epollerr = EPOLLERR;

// The event is a packed struct with a union inside: it is filled in and read here.
static inline int pushd_epoll_ctl(int set, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(set, operation, descriptor, &event);
}

static inline uint64_t pushd_epoll_token(const struct epoll_event *event) { return event->data.u64; }

static inline uint32_t pushd_epoll_events(const struct epoll_event *event) { return event->events; }

static inline int pushd_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int pushd_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// Takes a connection that does not block and is closed in child processes, from the start.
static inline int pushd_accept(int listener) {
    return (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// Names the calling thread; the kernel cuts at 15 bytes. prctl is variadic, which Swift can't call.
static inline void pushd_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// The process at the other end of a Unix socket, as it was when it connected: unix(7), SO_PEERCRED.
static inline int pushd_peer(int descriptor, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct { // struct ucred, which the headers show to _GNU_SOURCE only
        pid_t pid;
        uid_t uid;
        gid_t gid;
    } peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) return -1;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

// Its supplementary groups: unix(7), SO_PEERGROUPS, Linux 4.13. *size is in bytes, both ways.
static inline int pushd_peer_groups(int descriptor, gid_t *groups, socklen_t *size) {
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, size);
}

#endif
