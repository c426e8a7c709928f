import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unboundedLayer } from '../archive/limits.js'
import { errnoOf, systemError } from '../errors.js'
import { removeTree } from '../files/remove-tree.js'
import type { StoreUserNamespace } from '../ids/user-namespace.js'
import { mergedTarStream } from '../pack/pack-tree.js'
import { unpackLayer } from '../unpack/unpack-layer.js'
import { parse } from './layer-folder.js'
import type { Layout } from './layout.js'
import { TemporaryFolder } from './temporary-folders.js'

/**
 * Copies what several folders show together into an empty one: owners, permissions, times, links and attributes as
 * they are.
 *
 * @param lower - From the bottom to the top.
 */
export async function copyMerged(
  lower: readonly string[],
  to: string,
  namespace: StoreUserNamespace | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const options = { limits: unboundedLayer, signal, namespace, whiteouts: 'plain' } as const
  await unpackLayer(mergedTarStream(lower, { namespace }, signal), to, options)
}

/**
 * Stacks of layers as one folder each, for a store that cannot have the kernel merge them: made when one is first
 * looked into, kept until one of its layers is removed.
 */
export class FlatTrees {
  readonly #layout: Layout
  readonly #namespace: StoreUserNamespace | undefined

  constructor(layout: Layout, namespace: StoreUserNamespace | undefined) {
    this.#layout = layout
    this.#namespace = namespace
  }

  /** The folder of a stack, from the bottom to the top. Its folders must not change. */
  async get(lower: readonly string[]): Promise<string> {
    const place = join(this.#layout.flat, createHash('sha256').update(JSON.stringify(lower)).digest('hex'))
    const tree = join(place, 'tree')
    if (existsSync(tree)) return tree
    await using temporary = TemporaryFolder.create(this.#layout.temporary, this.#namespace)
    const made = join(temporary.path, 'flat')
    try {
      mkdirSync(join(made, 'tree'), { recursive: true, mode: 0o700 })
      writeFileSync(join(made, noteFile), JSON.stringify({ lower }), { mode: 0o600 })
      await copyMerged(lower, join(made, 'tree'), this.#namespace)
      mkdirSync(this.#layout.flat, { recursive: true, mode: 0o700 })
      renameSync(made, place)
    } catch (error) {
      // somebody else was faster with the same
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST')
        throw systemError('merge layers in', place, error)
    }
    return tree
  }

  /** Removes the stacks that have a folder in them. */
  async forget(folder: string): Promise<void> {
    if (!existsSync(this.#layout.flat)) return
    for (const name of readdirSync(this.#layout.flat)) {
      const place = join(this.#layout.flat, name)
      const note = join(place, noteFile)
      const { lower } = parse(note, readFileSync(note, 'utf8'))
      if (Array.isArray(lower) && lower.includes(folder)) await removeTree(place, this.#namespace)
    }
  }
}

const noteFile = 'flat.json'
