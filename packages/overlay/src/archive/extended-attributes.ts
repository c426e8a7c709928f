import { byteString, type ByteString } from '../files/byte-string.js'
import { accessControlList } from './access-control-list.js'
import { refused } from './entry-name.js'

/** One extended attribute of a file, as in xattr(7). */
export interface ExtendedAttribute {
  readonly name: ByteString
  readonly value: Uint8Array
}

const paxPrefix = 'SCHILY.xattr.'
const lists = { access: 'system.posix_acl_access', default: 'system.posix_acl_default' }
const kept = new Set(['security.capability', ...Object.values(lists)])

/** Notes of overlayfs and of fuse-overlayfs, which decide what a tree of layers shows. */
const notes = ['user.overlay.', 'user.fuseoverlayfs.']

/** True for attributes that layers have: not the labels and notes of a host. */
export function isKeptAttribute(name: ByteString): boolean {
  if (kept.has(name)) return true
  return name.startsWith('user.') && name.length > 5 && !notes.some((prefix) => name.startsWith(prefix))
}

/**
 * Picks the extended attributes of an entry out of its PAX records.
 *
 * Kept are `security.capability`, `user.*` and POSIX ACLs. Labels of a security module (`security.selinux`
 * and the like) belong to the host's policy and are left out, as are notes of fuse-overlayfs. ACLs may also be text (`SCHILY.acl.access`,
 * `SCHILY.acl.default`); see {@link accessControlList}.
 *
 * @throws {@link OverlayError} `ERR_OVERLAY_ARCHIVE` for `trusted.*` and `user.overlay.*`: with these an
 *   archive could redirect overlayfs to folders that it never packed.
 */
export function extendedAttributes(
  path: ByteString,
  records: ReadonlyMap<ByteString, Uint8Array>,
): readonly ExtendedAttribute[] {
  const found: ExtendedAttribute[] = []
  for (const [key, value] of records) {
    if (!key.startsWith(paxPrefix)) continue
    const name = key.slice(paxPrefix.length)
    if (name.startsWith('trusted.') || name.startsWith('user.overlay.')) {
      throw refused(path, `an archive cannot set the extended attribute ${name}`)
    }
    if (name.length > 255 || name.includes('\0'))
      throw refused(path, 'an extended attribute has an impossible name')
    if (isKeptAttribute(name)) found.push({ name, value })
  }
  for (const [kind, name] of Object.entries(lists)) {
    const text = records.get(`SCHILY.acl.${kind}`)
    if (text === undefined || found.some((attribute) => attribute.name === name)) continue
    const value = accessControlList(byteString(text))
    if (value !== undefined) found.push({ name, value })
  }
  return found
}
