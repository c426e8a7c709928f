import type { ByteString } from '../files/byte-string.js'
import type { InsideIds } from './inside-ids.js'

/** Kinds of entries of an access control list that name an id: ACL_USER and ACL_GROUP. */
const [namedUser, namedGroup] = [0x02, 0x08]
/** Revision 2 of a file's capabilities, which are those of whatever namespace they are read in; revision 3 names one. */
const [revision2, revision3] = [0x0200_0000, 0x0300_0000]
const revisionMask = 0xff00_0000

/** An extended attribute that names ids, with those that they are in a user namespace. */
export function insideAttribute(name: ByteString, value: Uint8Array, ids: InsideIds): Uint8Array {
  if (name === 'security.capability') return withoutOwner(Buffer.from(value))
  if (name.startsWith('system.posix_acl_')) return withIds(Buffer.from(value), ids)
  return value
}

/** capabilities(7), "Namespaced file capabilities": the last four bytes are the root user that may use them. */
function withoutOwner(value: Buffer): Buffer {
  const magic = value.readUInt32LE()
  if ((magic & revisionMask) >>> 0 !== revision3) return value
  value.writeUInt32LE(((magic & ~revisionMask) | revision2) >>> 0)
  return value.subarray(0, 20)
}

/** acl(5) as the kernel packs it: a version, then tag, permissions and id of each entry. */
function withIds(value: Buffer, ids: InsideIds): Buffer {
  for (let at = 4; at + 8 <= value.length; at += 8) {
    const tag = value.readUInt16LE(at)
    const id = value.readUInt32LE(at + 4)
    if (tag === namedUser) value.writeUInt32LE(ids.uid(id), at + 4)
    if (tag === namedGroup) value.writeUInt32LE(ids.gid(id), at + 4)
  }
  return value
}
