import type { ByteString } from '../files/byte-string.js'

/** Kinds of entries in the kernel's order, which is that of their numbers. */
const tags: ReadonlyMap<string, readonly [own: number, named: number]> = new Map([
  ['user', [0x01, 0x02]],
  ['group', [0x04, 0x08]],
  ['mask', [0x10, 0x10]],
  ['other', [0x20, 0x20]],
])
const shortTags: ReadonlyMap<string, string> = new Map([...tags.keys()].map((tag) => [tag.slice(0, 1), tag]))
const version = 2
const noId = 0xffff_ffff

interface Entry {
  readonly tag: number
  readonly permissions: number
  readonly id: number
}

/**
 * Turns a POSIX access control list from its text (acl(5): `user::rw-,user:1000:r--,group::r--,...`) into what the
 * kernel takes as an extended attribute. A fourth field is a number that goes with a name, as star writes it.
 *
 * Names mean nothing without the image's own list of users: an entry that has only one is left out, so that nobody
 * gets a permission that was not meant for him. Only root is known to be 0.
 *
 * @returns `undefined` for what is no such text.
 */
export function accessControlList(text: ByteString): Buffer | undefined {
  const entries: Entry[] = []
  for (const line of text.split(/[,\n]/)) {
    const told = line.replace(/[ \t]*#.*$/, '').trim()
    if (told === '') continue
    const entry = entryOf(told)
    if (entry === undefined) return undefined
    if (entry !== 'unknown') entries.push(entry)
  }
  if (entries.length === 0) return undefined
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id)
  const bytes = Buffer.alloc(4 + 8 * entries.length)
  bytes.writeUInt32LE(version)
  for (const [index, { tag, permissions, id }] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index)
    bytes.writeUInt16LE(permissions, 6 + 8 * index)
    bytes.writeUInt32LE(id, 8 + 8 * index)
  }
  return bytes
}

function entryOf(told: string): Entry | 'unknown' | undefined {
  const [kind = '', ...fields] = told.split(':')
  const known = tags.get(shortTags.get(kind) ?? kind)
  // mask and other have no name, and may be written without its place
  const [name, rights, number] = known?.[0] === known?.[1] && fields.length === 1 ? ['', ...fields] : fields
  const permissions = permissionsOf(rights ?? '')
  if (known === undefined || name === undefined || permissions === undefined) return undefined
  if (name === '') return { tag: known[0], permissions, id: noId }
  const id = name === 'root' ? '0' : /^\d+$/.test(number ?? '') ? number! : name
  if (!/^\d{1,10}$/.test(id) || Number(id) >= noId) return 'unknown'
  return { tag: known[1], permissions, id: Number(id) }
}

function permissionsOf(text: string): number | undefined {
  if (!/^[r-][w-][xX-]$/.test(text)) return undefined
  return (text[0] === 'r' ? 4 : 0) + (text[1] === 'w' ? 2 : 0) + (text[2] === '-' ? 0 : 1)
}
