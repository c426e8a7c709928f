import { out, syscallOr } from '@ctr/linux'

/** No list and no value is longer (xattr(7)). */
const LONGEST = 65536

/** What another file system would take for something of its own. */
const notCopied = /^trusted\.overlay\./

/**
 * Copies the extended attributes of a file or folder: capabilities, access control lists and whatever else its file
 * system and the other one have.
 *
 * @param from - Descriptor, `O_PATH` is enough.
 * @param to - Descriptor that is open to read or write.
 */
export function copyXattrs(from: number, to: number): void {
  const path = `/proc/self/fd/${from}`
  const buffer = Buffer.alloc(LONGEST)
  const length = syscallOr(['EOPNOTSUPP'], 'listxattr', path, out(buffer), LONGEST)
  if (length === 'EOPNOTSUPP' || length === 0) return
  const names = buffer.toString('latin1', 0, length).split('\0').filter(Boolean)
  for (const name of names) {
    if (notCopied.test(name)) continue
    const key = Buffer.from(`${name}\0`, 'latin1')
    const size = syscallOr(['ENODATA'], 'getxattr', path, key, out(buffer), LONGEST)
    if (size === 'ENODATA') continue
    // an attribute that a tmpfs of this kernel cannot have is not what the container is to fail for
    syscallOr(['EOPNOTSUPP'], 'fsetxattr', to, key, Buffer.from(buffer.subarray(0, size)), size, 0)
  }
}
