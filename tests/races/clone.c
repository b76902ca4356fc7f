/* ThreadSanitizer takes every clone for a fork, and sets itself up anew in the child. The library's child shares the memory of
 * its parent, which waits until the child has run its program: what is set up anew would be the parent. So `clone` of the library
 * is linked to this, which goes past the sanitizer. */
int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

int __wrap_clone(int (*function)(void *), void *stack, int flags, void *argument, void *pid, void *tls, void *child) {
    return __clone(function, stack, flags, argument, pid, tls, child);
}
