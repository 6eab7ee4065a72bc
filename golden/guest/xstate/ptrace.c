/*
 * A ptrace(2) for User-Mode Linux before 6.9, by LD_PRELOAD. It keeps the registers of XSAVE in
 * 2.7 KB, and the kernel of a processor with AMX takes no less than all of the
 * 11 KB that there are: every process of the guest would die. What is longer than
 * its buffer is left out when registers are read, and stays as it is when they are set.
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

static char all[1 << 16]; /* User-Mode Linux calls it from one thread */

long ptrace(enum __ptrace_request request, ...)
{
	static long (*next)(enum __ptrace_request, ...);
	if (!next)
		next = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");

	va_list list;
	va_start(list, request);
	pid_t pid = va_arg(list, pid_t);
	void *addr = va_arg(list, void *);
	void *data = va_arg(list, void *);
	va_end(list);

	if ((request != PTRACE_GETREGSET && request != PTRACE_SETREGSET) || addr != (void *)NT_X86_XSTATE)
		return next(request, pid, addr, data);

	struct iovec *small = data, whole = { all, sizeof all };
	long err = next(PTRACE_GETREGSET, pid, addr, &whole);
	if (err < 0)
		return err;
	size_t n = small->iov_len < whole.iov_len ? small->iov_len : whole.iov_len;
	if (request == PTRACE_GETREGSET) {
		memcpy(small->iov_base, all, n);
		small->iov_len = n;
		return 0;
	}
	memcpy(all, small->iov_base, n);
	return next(PTRACE_SETREGSET, pid, addr, &whole);
}
