import { isSyscallError, syscall, out } from '@ctr/linux'
