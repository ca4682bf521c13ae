/* Cuts the power of the file system that argv[1] lies on: what its log has not got yet is gone. */
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define FS_IOC_SHUTDOWN _IOR('X', 125, __u32)
#define NO_LOG_FLUSH 2

int main(int count, char **arguments)
{
	__u32 how = NO_LOG_FLUSH;
	int folder = count == 2 ? open(arguments[1], O_RDONLY) : -1;

	if (folder < 0 || ioctl(folder, FS_IOC_SHUTDOWN, &how) != 0) {
		perror("godown");
		return 1;
	}
	return 0;
}
