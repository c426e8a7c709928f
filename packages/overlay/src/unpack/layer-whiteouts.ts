import { closeSync, fstatSync } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, syscall, syscallOr } from '@ctr/linux'
import type { EntryPlace } from '../archive/entry-name.js'
import type { NameMeaning } from '../archive/whiteout.js'
import { kernelString, type ByteString } from '../files/byte-string.js'
import { hideLower, isOpaque, isWhiteout, putWhiteout, type NoteScope } from './whiteouts.js'

/**
 * Whiteouts and opaque marks of one layer.
 *
 * A whiteout in a folder that hides all of lower layers anyway is taken away in the end: overlayfs lists such a folder
 * as it is, and would show the whiteout as a name that cannot be opened.
 */
export class LayerWhiteouts {
  readonly #scope: NoteScope
  readonly #places: EntryPlace[] = []
  /** Where folders may hide all that lower layers have: what is really there is seen in the end. */
  readonly #hiding = new Set<ByteString>()

  constructor(scope: NoteScope) {
    this.#scope = scope
  }

  /**
   * @param folder - Descriptor of the folder that the entry is in.
   * @param parent - Its path.
   */
  put(
    folder: number,
    parent: ByteString,
    meaning: Exclude<NameMeaning, { kind: 'plain' | 'ignored' }>,
  ): void {
    if (meaning.kind === 'opaque') {
      this.#hiding.add(parent)
      hideLower(folder, this.#scope)
      return
    }
    const { hidden } = meaning
    // a folder that the layer has at the same place is opaque
    this.#hiding.add(parent === '' ? hidden : `${parent}/${hidden}`)
    this.#places.push({ parent, name: hidden })
    putWhiteout(folder, hidden, this.#scope)
  }

  /** Takes away what hides nothing, once all entries are written. */
  settle(root: number): void {
    for (const place of this.#places) if (this.#mayBeHidden(place.parent)) this.#settle(root, place)
  }

  #mayBeHidden(parent: ByteString): boolean {
    if (this.#hiding.has('')) return true
    for (let end = parent.length; end > 0; end = parent.lastIndexOf('/', end - 1)) {
      if (this.#hiding.has(parent.slice(0, end))) return true
    }
    return false
  }

  /** Follows no link: the folder that a link leads to may be in none that hides. */
  #settle(root: number, { parent, name }: EntryPlace): void {
    let isHidden = isOpaque(root, this.#scope)
    let folder = root
    try {
      for (const part of parent === '' ? [] : parent.split('/')) {
        const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        const next = syscallOr(['ENOENT', 'ENOTDIR', 'ELOOP'], 'openat', folder, kernelString(part), flags, 0)
        if (typeof next === 'string') return // something else came to this place
        if (folder !== root) closeSync(folder)
        folder = next
        isHidden ||= isOpaque(folder, this.#scope)
      }
      if (isHidden && hasWhiteout(folder, name)) syscall('unlinkat', folder, kernelString(name), 0)
    } finally {
      if (folder !== root) closeSync(folder)
    }
  }
}

function hasWhiteout(folder: number, name: ByteString): boolean {
  const fd = syscallOr(['ENOENT'], 'openat', folder, kernelString(name), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
  if (fd === 'ENOENT') return false
  try {
    return isWhiteout(fstatSync(fd))
  } finally {
    closeSync(fd)
  }
}
