import { out, syscall } from '@ctr/linux'
import { byteString, type ByteString } from './byte-string.js'

/** Where a link leads, by a descriptor that stands for it. */
export function linkTarget(fd: number): ByteString {
  const buffer = Buffer.alloc(4096)
  return byteString(buffer.subarray(0, syscall('readlinkat', fd, '', out(buffer), buffer.length)))
}
