import { out, syscallOr } from '@ctr/linux'
import { byteString, kernelString, type ByteString } from './byte-string.js'
import { pathOfFd } from './open-in.js'

const mostBytes = 65536 // XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel

/**
 * Names of the extended attributes of a file.
 *
 * @param fd - Any descriptor of a file that is no link.
 */
export function attributeNames(fd: number): ByteString[] {
  // most files have none, and are told so without a buffer
  if (syscallOr(['EOPNOTSUPP'], 'listxattr', pathOfFd(fd), null, 0) === 0) return []
  const buffer = Buffer.allocUnsafe(mostBytes)
  const length = syscallOr(['EOPNOTSUPP'], 'listxattr', pathOfFd(fd), out(buffer), buffer.length)
  if (typeof length !== 'number') return []
  return byteString(buffer.subarray(0, length)).split('\0').filter(Boolean)
}

/** The value of an extended attribute, or `undefined` when there is none. */
export function attributeOf(fd: number, name: ByteString): Buffer | undefined {
  const buffer = Buffer.allocUnsafe(mostBytes)
  const length = syscallOr(
    ['ENODATA', 'EOPNOTSUPP'],
    'getxattr',
    pathOfFd(fd),
    kernelString(name),
    out(buffer),
    buffer.length,
  )
  return typeof length === 'number' ? Buffer.from(buffer.subarray(0, length)) : undefined
}
