/** One entry of an archive, told field by field: what no well-meaning packer would write must be possible. */
export interface RawEntry {
  readonly name: string
  /** Type flag: `0` file, `1` hard link, `2` symbolic link, `3` and `4` devices, `5` folder, `6` fifo. */
  readonly type?: string
  readonly content?: string | Uint8Array
  readonly target?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  /** Records of a PAX header before it; strings are Latin-1, so that they can hold any bytes. */
  readonly pax?: Readonly<Record<string, string>>
}

/** An archive of these entries in the ustar format, with its end marker. */
export function tarOf(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map((entry) => entryBlocks(entry)), Buffer.alloc(1024)])
}

/** The blocks of one entry. */
export function entryBlocks(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '')
  const parts = [header(entry, content.length), padded(content)]
  if (entry.pax !== undefined) {
    const records = Buffer.from(Object.entries(entry.pax).map(paxRecord).join(''), 'latin1')
    parts.unshift(header({ name: 'PaxHeader', type: 'x' }, records.length), padded(records))
  }
  return Buffer.concat(parts)
}

/** A PAX record, whose length counts its own digits. */
export function paxRecord([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length += 1
  return `${length}${rest}`
}

function header(entry: RawEntry, size: number): Buffer {
  const {
    name,
    type = '0',
    target = '',
    mode = 0o644,
    uid = 0,
    gid = 0,
    mtime = 0,
    major = 0,
    minor = 0,
  } = entry
  const bytes = Buffer.alloc(512)
  bytes.write(name, 0, 100, 'latin1')
  bytes.write(octal(mode, 7), 100)
  bytes.write(octal(uid, 7), 108)
  bytes.write(octal(gid, 7), 116)
  bytes.write(octal(size, 11), 124)
  bytes.write(octal(mtime, 11), 136)
  bytes.write('        ', 148)
  bytes.write(type, 156, 'latin1')
  bytes.write(target, 157, 100, 'latin1')
  bytes.write('ustar\x0000', 257, 'latin1')
  bytes.write(octal(major, 7), 329)
  bytes.write(octal(minor, 7), 337)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return bytes
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/** Names of the entries of a plain archive, with what links say. */
export function namesIn(tar: Buffer): string[] {
  const text = (at: number, length: number): string =>
    tar.toString('latin1', at, at + length).replace(/\0.*$/s, '')
  const names: string[] = []
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const type = text(at + 156, 1)
    const target = text(at + 157, 100)
    if (type === '2') names.push(`${text(at, 100)} -> ${target}`)
    else if (type === '1') names.push(`${text(at, 100)} link to ${target}`)
    else if (type !== 'x') names.push(text(at, 100))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return names
}
