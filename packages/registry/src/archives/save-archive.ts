import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { pack, type Pack } from 'tar-stream'
import type { BlobStore } from '../blobs/blob-store.js'
import { writeLayout, type LayoutTarget, type SavedImage, type SaveFormat } from './write-layout.js'

/** Images as a tar archive. The same images make the same archive. */
export function saveArchive(
  blobs: BlobStore,
  images: readonly SavedImage[],
  { format, signal }: { readonly format: SaveFormat; readonly signal: AbortSignal | undefined },
): Readable {
  const archive = pack()
  void writeLayout(target(archive, blobs, signal), blobs, images, format).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  return Readable.from(archive, { objectMode: false })
}

function target(archive: Pack, blobs: BlobStore, signal: AbortSignal | undefined): LayoutTarget {
  const same = { mode: 0o644, mtime: new Date(0) }
  return {
    async blob(name, { digest, size }) {
      const entry = archive.entry({ ...same, name, size })
      await pipeline(
        blobs.read(digest),
        entry as unknown as NodeJS.WritableStream,
        signal === undefined ? {} : { signal },
      )
    },
    async file(name, text) {
      await new Promise<void>((resolve, reject) => {
        archive.entry({ ...same, name }, text, (error) => (error ? reject(error) : resolve()))
      })
    },
  }
}
