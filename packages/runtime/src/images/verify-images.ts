import { existsSync } from 'node:fs'
import { isOverlayError, type LayerStore } from '@ctr/overlay'
import type { ImageStore, StoredImage } from '@ctr/registry'
import type { ContainerRecords } from '../container/records.js'

/** Something of images or layers that is not as it should be. */
export interface ImageProblem {
  /** A blob, the documents of an image, an unpacked layer, or the root of a container. */
  readonly kind: 'blob' | 'image' | 'layer' | 'root'
  /** Digest of blob, manifest or layer; id of the container that the root is of, or the root's name. */
  readonly id: string
  /** Images that it concerns, by name or digest. */
  readonly images: readonly string[]
  /** What is wrong and what mends it, for a person. */
  readonly message: string
}

/** What was found. */
export interface ImagesCheck {
  readonly problems: readonly ImageProblem[]
  readonly images: number
  readonly blobs: number
  readonly layers: number
  /** Bytes of all blobs. */
  readonly bytes: number
}

/** How to check. */
export interface VerifyOptions {
  /** Remove damaged blobs, and damaged layers that no container stands on: a pull brings them back. Default false. */
  readonly repair?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Checks blobs, documents, unpacked layers and what roots stand on. */
export async function verifyImages(
  store: ImageStore,
  layers: LayerStore,
  records: ContainerRecords,
  { repair = false, signal }: VerifyOptions,
): Promise<ImagesCheck> {
  const { problems: found, images, blobs, bytes } = await store.verify({ signal })
  const problems: ImageProblem[] = []
  for (const { kind, digest, images: users, message } of found) {
    if (kind === 'damaged' && repair) await store.blobs.delete(digest)
    problems.push({
      kind: kind === 'image' ? 'image' : 'blob',
      id: digest,
      images: users,
      message: `${message}; ${remedy(users, kind === 'damaged' && !repair)}`,
    })
  }
  const bad = new Set(found.map(({ digest }) => digest))
  const list = await store.list()
  const ages = layers.ages()
  for (const diffId of ages.keys()) {
    signal?.throwIfAborted()
    const problem = await layerProblem(layers, diffId, list, { bad, repair, signal })
    if (problem !== undefined) problems.push(problem)
  }
  problems.push(...(await rootProblems(layers, records)))
  return { problems, images, blobs, layers: ages.size, bytes }
}

function remedy(images: readonly string[], mustGo: boolean): string {
  const first = mustGo ? 'remove it by repairing' : undefined
  const then = images.length === 0 ? undefined : `pull ${images.join(', ')} again, or remove it`
  return [first, then].filter((text) => text !== undefined).join(', then ') || 'nothing needs it'
}

async function layerProblem(
  layers: LayerStore,
  diffId: string,
  images: readonly StoredImage[],
  {
    bad,
    repair,
    signal,
  }: {
    readonly bad: ReadonlySet<string>
    readonly repair: boolean
    readonly signal: AbortSignal | undefined
  },
): Promise<ImageProblem | undefined> {
  const users = images.filter((image) => image.layers.some((layer) => layer.diffId === diffId))
  const [layer] = users
    .flatMap((image) => image.layers)
    .filter((one) => one.diffId === diffId && !bad.has(one.descriptor.digest))
  if (layer === undefined) return undefined // unused, or its blob is told already
  try {
    await layers.check(diffId, layer.open(), { signal })
    return undefined
  } catch (error) {
    if (!isOverlayError(error)) throw error
    const problem = {
      kind: 'layer',
      id: diffId,
      images: users.map(({ references, id }) => references[0] ?? id),
      message: error.message,
    } as const
    if (!repair || error.code !== 'ERR_OVERLAY_DAMAGED') return problem
    return { ...problem, message: `${error.message}: ${await tryRemove(layers, diffId)}` }
  }
}

async function tryRemove(layers: LayerStore, diffId: string): Promise<string> {
  try {
    await layers.remove(diffId)
    return 'removed'
  } catch (error) {
    if (!isOverlayError(error)) throw error
    return error.message
  }
}

async function rootProblems(layers: LayerStore, records: ContainerRecords): Promise<ImageProblem[]> {
  const problems: ImageProblem[] = []
  const containers = new Map(records.list().map(({ rootId, id }) => [rootId, id]))
  for (const id of await layers.roots()) {
    const message = await wrongWithRoot(layers, id)
    if (message !== undefined)
      problems.push({ kind: 'root', id: containers.get(id) ?? id, images: [], message })
  }
  return problems
}

async function wrongWithRoot(layers: LayerStore, id: string): Promise<string | undefined> {
  try {
    const root = await layers.openRoot(id)
    const missing = root.description.lower.find((folder) => !existsSync(folder))
    return missing === undefined
      ? undefined
      : `the root ${id} stands on ${missing}, which is gone; remove its container`
  } catch (error) {
    if (!isOverlayError(error)) throw error
    if (error.code === 'ERR_OVERLAY_NOT_FOUND') return undefined // removed, or not made whole yet
    return `${error.message}; remove its container`
  }
}
