/* ThreadSanitizer takes every clone for a fork, and sets itself up anew in the child. The library's child shares the memory of
 * its parent, which waits until the child has run its program: what is set up anew would be the parent. So `clone` of the library
 * is linked to this, which goes past the sanitizer; and so is the end of a child that could not run its program, since the
 * sanitizer would write its last report, about the parent's threads, and tear down what the parent still uses. */
#include <sys/syscall.h>
#include <unistd.h>

int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

int __wrap_clone(int (*function)(void *), void *stack, int flags, void *argument, void *pid, void *tls, void *child) {
    return __clone(function, stack, flags, argument, pid, tls, child);
}

void __wrap__exit(int status) {
    for (;;) syscall(SYS_exit_group, status);
}
