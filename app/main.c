/* Owns: the process. */
#include <stdio.h>

int main(void)
{
	puts("mailcask");
	return 0;
}
