import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { io, replaceFile } from '../blobs/durable.js'
import { errnoOf, RegistryError } from '../errors.js'
import { parseDescriptor, type Descriptor } from '../manifest/descriptor.js'
import { listAt, parseJsonObject } from '../manifest/json-shape.js'
import { mediaTypes } from '../manifest/media-types.js'
import { withFolderLock } from '../blobs/folder-lock.js'

/** Annotation of an index entry: its name (image-spec, "Pre-Defined Annotation Keys"). */
export const nameAnnotation = 'org.opencontainers.image.ref.name'
/** Annotation of ours: the digest that the registry's tag had, when it named an index. */
export const sourceAnnotation = 'ctr.source.digest'

const layoutFile = 'oci-layout'
const layoutVersion = '1.0.0'

/** What becomes of the entries. */
export interface IndexChange {
  readonly entries: readonly Descriptor[]
  /** Done under the lock too, once they are written: removes what no entry names any more. */
  readonly after?: (() => Promise<void>) | undefined
}

/** The `index.json` of an OCI image layout: which manifests a folder holds, and how they are named. */
export class LayoutIndex {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Opens the layout in a folder, which the blob store has made, or starts an empty one. */
  static async open(folder: string): Promise<LayoutIndex> {
    const index = new LayoutIndex(folder)
    await io(`open image store ${folder}`, async () => {
      const path = join(folder, layoutFile)
      const text = await readOr(path, undefined)
      if (text === undefined) {
        await replaceFile(
          path,
          JSON.stringify({ imageLayoutVersion: layoutVersion }),
          join(folder, 'partial'),
        )
      } else {
        checkVersion(path, text)
      }
    })
    await index.read()
    return index
  }

  /** The entries as they are now. A missing file is an empty list. */
  async read(): Promise<readonly Descriptor[]> {
    const path = join(this.#folder, 'index.json')
    const text = await io(`read ${path}`, () => readOr(path, '{}'))
    const entries = listAt(parseJsonObject(text, path)['manifests'], `${path} manifests`)
    return entries.map((entry, n) => parseDescriptor(entry, `${path} manifests[${n}]`))
  }

  /**
   * Changes the entries while no other process does. `change` gets the present ones and says what becomes of them, or
   * `undefined` to leave them; what it does besides happens under the same lock.
   */
  async update(
    signal: AbortSignal | undefined,
    change: (entries: readonly Descriptor[]) => Promise<IndexChange | undefined>,
  ): Promise<void> {
    const partial = join(this.#folder, 'partial')
    await withFolderLock(join(partial, 'index.lock'), signal, async () => {
      const changed = await change(await this.read())
      if (changed === undefined) return
      const { entries, after } = changed
      const json = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: tidy(entries) }
      const path = join(this.#folder, 'index.json')
      await io(`write ${path}`, () => replaceFile(path, `${JSON.stringify(json, undefined, 2)}\n`, partial))
      await after?.()
    })
  }
}

/** The name of an entry; `undefined` for one without. */
export function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[nameAnnotation]
}

/** The entry under another name, or without one. */
export function renamed(entry: Descriptor, name: string | undefined): Descriptor {
  const { [nameAnnotation]: _, ...others } = entry.annotations ?? {}
  return { ...entry, annotations: name === undefined ? others : { ...others, [nameAnnotation]: name } }
}

/** A nameless entry says nothing when the same manifest has a name, and says it once. */
function tidy(entries: readonly Descriptor[]): readonly Descriptor[] {
  const named = new Set(entries.filter((entry) => nameOf(entry) !== undefined).map(({ digest }) => digest))
  return entries.filter((entry, n) => {
    if (nameOf(entry) !== undefined) return true
    return !named.has(entry.digest) && entries.findIndex(({ digest }) => digest === entry.digest) === n
  })
}

function checkVersion(path: string, text: string): void {
  const version = parseJsonObject(text, path)['imageLayoutVersion']
  if (version === layoutVersion) return
  throw new RegistryError(
    'ERR_REGISTRY_STORE',
    `cannot open ${path}: its layout version must be ${layoutVersion}, got ${JSON.stringify(version)}`,
  )
}

async function readOr<T>(path: string, missing: T): Promise<string | T> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return missing
    throw error
  }
}
