import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { LayerStore } from '@ctr/overlay'
import type { ImageConfig, ImageLayer, ImageStore, StoredImage } from '@ctr/registry'

/** A layer on top of others, as a plain tar that is read once, and what its image says. */
export interface NewTopLayer {
  /** From the lowest to the highest: of the image that it stands on. */
  readonly below: readonly Pick<ImageLayer, 'descriptor' | 'diffId'>[]
  readonly tar: AsyncIterable<Uint8Array>
  readonly config: Partial<Omit<ImageConfig, 'rootfs'>>
  /** Annotations of its manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** Where images and their layers are kept. */
export interface ImageStores {
  readonly store: ImageStore
  readonly layers: LayerStore
  /** Removes those of some layers that no image has. */
  readonly removeUnused: (diffIds: readonly string[]) => Promise<void>
}

const bufferedBytes = 1024 * 1024

/**
 * Unpacks a layer and stores it as a blob in one go. The image is there once its layer is unpacked whole: an archive
 * that is refused leaves no image.
 */
export async function addUnpacked(
  { store, layers, removeUnused }: ImageStores,
  { below, tar, config, annotations }: NewTopLayer,
  {
    reference,
    signal,
  }: { readonly reference?: string | undefined; readonly signal?: AbortSignal | undefined },
): Promise<StoredImage> {
  const copy = new PassThrough({ highWaterMark: bufferedBytes })
  const stored = store.add({ config, layers: [...below, { tar: copy }], annotations }, { reference, signal })
  stored.catch(() => copy.destroy())
  async function* copied(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of tar) {
      // where the copy is given up, storing it says why
      if (copy.destroyed) await stored
      if (!copy.write(chunk)) await Promise.race([once(copy, 'drain').catch(() => stored), stored])
      yield chunk
    }
  }
  let diffId: string
  try {
    ;({ diffId } = await layers.add(copied(), { signal }))
  } catch (error) {
    copy.destroy(error as Error)
    await stored.catch(() => undefined)
    throw error
  }
  copy.end()
  try {
    return await stored
  } catch (error) {
    await removeUnused([diffId])
    throw error
  }
}
