import { pack } from 'tar-stream'

/** A member of a tar archive: a file, or a link, or anything else by its type. */
export interface Member {
  readonly name: string
  readonly content?: string | Uint8Array
  readonly link?: string
  readonly type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo' | 'character-device'
}

/** A tar archive of members. */
export async function archiveOf(members: readonly Member[]): Promise<Buffer> {
  const archive = pack()
  for (const { name, content = '', link, type = link === undefined ? 'file' : 'symlink' } of members) {
    if (type === 'file') archive.entry({ name }, Buffer.from(content))
    else archive.entry({ name, type, ...(link === undefined ? {} : { linkname: link }) })
  }
  archive.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Bytes in pieces, as they come from a pipe. */
export async function* inPieces(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}
