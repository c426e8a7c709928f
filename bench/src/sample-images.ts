import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { packLayer, type LayerSource } from '@ctr/overlay'
import { ImageStore, mediaTypes } from '@ctr/registry'

/** What a sample image consists of. */
export interface SampleImage {
  readonly name: string
  readonly layers: number
  readonly filesPerLayer: number
  /** Bytes of a file, on average. */
  readonly fileSize: number
  /** `'text'` is packed to about a third, `'random'` not at all. */
  readonly content: 'text' | 'random'
  /** Default `'gzip'`. */
  readonly compression?: 'gzip' | 'zstd' | undefined
}

/** Makes an image and pushes it to a registry; zstd by the program of that name, which older versions of Node.js cannot make. */
export async function pushSample(
  { name, layers, filesPerLayer, fileSize, content, compression }: SampleImage,
  reference: string,
  folder: string,
): Promise<void> {
  const store = await ImageStore.open(join(folder, `sample-${name}`))
  const packed: { readonly file: string; readonly diffId: string }[] = []
  for (let layer = 0; layer < layers; layer += 1) {
    const file = join(folder, `sample-${name}-${layer}`)
    const isZstd = compression === 'zstd'
    const { stream, digests } = packLayer(files(layer, filesPerLayer, fileSize, content), {
      compression: isZstd ? 'none' : 'gzip',
    })
    await pipeline([stream, ...(isZstd ? [zstd()] : []), createWriteStream(file)])
    packed.push({ file, diffId: (await digests).diffId })
  }
  const blobs = packed.map(({ file, diffId }) => ({
    blob: createReadStream(file),
    mediaType: compression === 'zstd' ? mediaTypes.ociLayerZstd : mediaTypes.ociLayerGzip,
    diffId,
  }))
  await store.add({ layers: blobs }, { reference })
  await store.push(reference)
  for (const { file } of packed) rmSync(file)
}

function zstd(): Duplex {
  const child = spawn('zstd', ['-q', '-c'], { stdio: ['pipe', 'pipe', 'inherit'] })
  return Duplex.from({ writable: child.stdin, readable: child.stdout })
}

function* files(
  layer: number,
  count: number,
  size: number,
  content: 'text' | 'random',
): Generator<LayerSource> {
  const words = Array.from({ length: 4096 }, () => randomBytes(6).toString('hex'))
  for (let index = 0; index < count; index += 1) {
    const length = randomInt(Math.ceil(size / 2), Math.ceil(size * 1.5) + 1)
    yield {
      type: 'file',
      path: `usr/lib/layer-${layer}/folder-${Math.floor(index / 60)}/file-${index}.py`,
      content: content === 'random' ? randomBytes(length) : text(words, length),
    }
  }
}

function text(words: readonly string[], length: number): string {
  const random = randomBytes(Math.ceil(length / 12) * 2)
  let made = ''
  for (let at = 0; made.length < length; at += 2) made += words[random.readUInt16LE(at) % words.length]!
  return made.slice(0, length)
}
